/* s_t = a_t s_{t-1} + b_t over (B, T, N), and its gradient (cells/scan.py). Each thread has rows of the batch, or a
   part of the columns; memory is read once, in its own order. */
#include "gemm.h"
#include "team.h"

typedef struct {
  int64_t batch, steps, width, parts; /* parts: pieces of a row's columns */
  const float *a, *b, *start;         /* (B, T, N) twice, (B, N) */
  float *s;                           /* (B, T, N) */
  const float *grad;                  /* (B, T, N) */
  float *da, *db, *dstart;
} scan;

static void columns_of(const scan *q, int64_t piece, int64_t *row, int64_t *from, int64_t *to) {
  int64_t blocks = (q->width + VL - 1) / VL, part = piece % q->parts;
  *row = piece / q->parts;
  *from = blocks * part / q->parts * VL;
  *to = blocks * (part + 1) / q->parts * VL;
  if (*to > q->width) *to = q->width;
}

static void scan_forward(team *crew, void *job, int mine, int size) {
  (void)crew;
  const scan *q = job;
  int64_t first, end, row, from, to;
  share(q->batch * q->parts, mine, size, &first, &end);
  for (int64_t piece = first; piece < end; piece++) {
    columns_of(q, piece, &row, &from, &to);
    const float *last = q->start + row * q->width;
    for (int64_t t = 0; t < q->steps; t++) {
      int64_t at = (row * q->steps + t) * q->width;
      for (int64_t u = from, n = to - from; n > 0; u += VL, n -= VL)
        store_first(q->s + at + u,
                    muladd(load_first(q->a + at + u, n), load_first(last + u, n), load_first(q->b + at + u, n)), n);
      last = q->s + at;
    }
  }
}

static void scan_backward(team *crew, void *job, int mine, int size) {
  (void)crew;
  const scan *q = job;
  int64_t first, end, row, from, to;
  share(q->batch * q->parts, mine, size, &first, &end);
  for (int64_t piece = first; piece < end; piece++) {
    columns_of(q, piece, &row, &from, &to);
    const float *start = q->start + row * q->width;
    for (int64_t t = q->steps - 1; t >= 0; t--) {
      int64_t at = (row * q->steps + t) * q->width, next = at + q->width;
      const float *before = t ? q->s + at - q->width : start;
      for (int64_t u = from, n = to - from; n > 0; u += VL, n -= VL) {
        vf g = load_first(q->grad + at + u, n);
        if (t + 1 < q->steps) g = muladd(load_first(q->a + next + u, n), load_first(q->db + next + u, n), g);
        store_first(q->db + at + u, g, n);
        store_first(q->da + at + u, g * load_first(before + u, n), n);
        if (t == 0) store_first(q->dstart + row * q->width + u, g * load_first(q->a + at + u, n), n);
      }
    }
  }
}

/* Few numbers are done before a second thread is there. */
static int64_t scan_threads(scan *q, int64_t threads) {
  int64_t work = q->batch * q->steps * q->width / 16384 + 1;
  if (threads > work) threads = work;
  q->parts = q->batch >= threads ? 1 : (threads + q->batch - 1) / (q->batch ? q->batch : 1);
  return threads;
}

void gatewise_scan_forward(int64_t batch, int64_t steps, int64_t width, int64_t threads, const float *a, const float *b,
                           const float *start, float *s) {
  scan q = {.batch = batch, .steps = steps, .width = width, .a = a, .b = b, .start = start, .s = s};
  run_team(scan_forward, &q, scan_threads(&q, threads));
}

void gatewise_scan_backward(int64_t batch, int64_t steps, int64_t width, int64_t threads, const float *a,
                            const float *start, float *s, const float *grad, float *da, float *db, float *dstart) {
  scan q = {.batch = batch, .steps = steps, .width = width, .a = a, .start = start, .s = s, .grad = grad};
  q.da = da, q.db = db, q.dstart = dstart;
  run_team(scan_backward, &q, scan_threads(&q, threads));
}
