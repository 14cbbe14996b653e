/* A team of torch's own threads that walks through a sequence together, meeting at a barrier after every step.
   One parallel region serves the whole sequence: leaving and entering one each step would cost more than small steps.
 */
#ifndef GATEWISE_TEAM_H
#define GATEWISE_TEAM_H

#include <immintrin.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#define MOST_THREADS 256

/* torch_parallel_for of torch's stable C interface, given by Python so that nothing links against torch. */
typedef int32_t (*parallel_for_t)(int64_t, int64_t, int64_t, void (*)(int64_t, int64_t, void *), void *);
static parallel_for_t parallel_for;

typedef struct team {
  void (*work)(struct team *, void *, int, int); /* team, what to do, my number, number of threads */
  void *job;
  int64_t asked;                /* threads that were asked for: torch may give fewer, never more */
  _Atomic int64_t places_taken; /* of these, already with a thread */
  _Atomic int arrived;
  int64_t begins[MOST_THREADS];
  _Atomic int waiting;
  _Atomic unsigned round;
  int size;
} team;

static void pause_briefly(unsigned *tries) {
  if (++*tries < 4096) _mm_pause();
  else sched_yield(); /* the one that is waited for may need this core to arrive */
}

/* Nobody goes on before everybody is here. */
static void meet(team *t, int size) {
  if (size == 1) return;
  unsigned round = atomic_load_explicit(&t->round, memory_order_relaxed), tries = 0;
  if (atomic_fetch_add_explicit(&t->waiting, 1, memory_order_acq_rel) == size - 1) {
    atomic_store_explicit(&t->waiting, 0, memory_order_relaxed);
    atomic_store_explicit(&t->round, round + 1, memory_order_release);
    return;
  }
  while (atomic_load_explicit(&t->round, memory_order_acquire) == round) pause_briefly(&tries);
}

/* What torch calls once in each thread with its share of the places; how many threads came is known when all places
   are taken, and a thread's number follows from the order of the shares, so that it is the same call after call. */
static void join(int64_t begin, int64_t end, void *context) {
  team *t = context;
  unsigned tries = 0;
  t->begins[atomic_fetch_add(&t->arrived, 1)] = begin;
  atomic_fetch_add(&t->places_taken, end - begin);
  while (atomic_load(&t->places_taken) < t->asked) pause_briefly(&tries);
  int size = atomic_load(&t->arrived), mine = 0;
  for (int k = 0; k < size; k++) mine += t->begins[k] < begin;
  /* Numbers below 1e-38 cost many times as much as others and mean nothing here: they become zero. */
  unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040);
  t->work(t, t->job, mine, size);
  _mm_setcsr(mode);
}

/* Run `work` on up to `threads` threads. */
static void run_team(void (*work)(team *, void *, int, int), void *job, int64_t threads) {
  team t = {.work = work, .job = job, .asked = threads > MOST_THREADS ? MOST_THREADS : threads};
  if (t.asked <= 1 || !parallel_for) {
    t.asked = 1;
    join(0, 1, &t);
  } else {
    parallel_for(0, t.asked, 1, join, &t);
  }
}

/* The part [*from, *to) of `count` things that thread `mine` of `size` does. */
static void share(int64_t count, int mine, int size, int64_t *from, int64_t *to) {
  *from = count * mine / size;
  *to = count * (mine + 1) / size;
}

#endif
