/* The whole compiled part: one source for one library. */
#include "norm_lstm.c"
#include "scan.c"

/* Whether numbers below 1e-38 are zero in every thread of torch's team; returns what it was in the calling one. */
static void set_flush(int64_t begin, int64_t end, void *on) {
  (void)begin, (void)end;
  unsigned mode = _mm_getcsr();
  _mm_setcsr(*(int *)on ? mode | 0x8040 : mode & ~0x8040u);
}

int gatewise_flush(int on, int64_t threads) {
  int before = (_mm_getcsr() & 0x8040) == 0x8040;
  if (parallel_for) parallel_for(0, threads, 1, set_flush, &on);
  set_flush(0, 0, &on);
  return before;
}

/* Bytes of what callers hand over: a build of another version would read the wrong places. */
int64_t gatewise_sizes(int normed) { return normed ? (int64_t)sizeof(normed_sequence) : (int64_t)sizeof(sequence); }
