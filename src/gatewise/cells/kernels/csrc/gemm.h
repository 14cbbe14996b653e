/* Products of a few rows with a weight matrix: C (B, R) += X (B, K) W^T, for panels of rows of W.

   A panel is PANEL rows of W next to each other, laid out as (K, PANEL), so that one load brings one weight of each of
   its rows and every x is used for all of them. A panel is read in blocks of DEPTH that stay in the first cache while
   all batch rows pass. */
#ifndef GATEWISE_GEMM_H
#define GATEWISE_GEMM_H

#include "simd.h"

#define PANEL (2 * VL)
#define DEPTH 256

/* ROWS batch rows by one panel; `valid` of the panel's columns exist in C. ROWS and WHOLE are constants at every use.
 */
ALWAYS void tile(const int ROWS, const int WHOLE, const float *panel, const float *x, int64_t ldx, int64_t depth,
                 float *c, int64_t ldc, int valid) {
  vf sum[8][2];
#pragma GCC unroll 8
  for (int b = 0; b < ROWS; b++) {
    sum[b][0] = WHOLE ? load(c + b * ldc) : load_first(c + b * ldc, valid);
    sum[b][1] = WHOLE ? load(c + b * ldc + VL) : valid > VL ? load_first(c + b * ldc + VL, valid - VL) : fill(0.0f);
  }
  for (int64_t k = 0; k < depth; k++) {
    /* The same place of the next block: it arrives while this one is used. */
    __builtin_prefetch(panel + (k + DEPTH) * PANEL);
    if (VL == 16) __builtin_prefetch(panel + (k + DEPTH) * PANEL + VL);
    vf w0 = load(panel + k * PANEL), w1 = load(panel + k * PANEL + VL);
#pragma GCC unroll 8
    for (int b = 0; b < ROWS; b++) {
      vf one = fill(x[b * ldx + k]);
      sum[b][0] = muladd(one, w0, sum[b][0]);
      sum[b][1] = muladd(one, w1, sum[b][1]);
    }
  }
#pragma GCC unroll 8
  for (int b = 0; b < ROWS; b++) {
    if (WHOLE) {
      store(c + b * ldc, sum[b][0]);
      store(c + b * ldc + VL, sum[b][1]);
    } else {
      store_first(c + b * ldc, sum[b][0], valid);
      if (valid > VL) store_first(c + b * ldc + VL, sum[b][1], valid - VL);
    }
  }
}

#if VL == 16
#define MOST_ROWS 8 /* 16 sums of 32 registers: enough to hide the latency of a product */
#else
#define MOST_ROWS 6 /* 12 sums of 16 registers */
#endif

ALWAYS void tiles(const int WHOLE, const float *panel, const float *x, int64_t ldx, int64_t depth, int64_t rows,
                  float *c, int64_t ldc, int valid) {
  /* As few passes over the panel as there are registers for, and passes of like size: eight rows as 4 + 4, not 6 + 2.
   */
  int64_t passes = (rows + MOST_ROWS - 1) / MOST_ROWS;
  for (int64_t b = 0; passes > 0; passes--) {
    int64_t now = (rows - b + passes - 1) / passes;
    const float *from = x + b * ldx;
    float *to = c + b * ldc;
    switch (now) {
    case 1:
      tile(1, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
    case 2:
      tile(2, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
    case 3:
      tile(3, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
    case 4:
      tile(4, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
    case 5:
      tile(5, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
    case 6:
      tile(6, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
#if MOST_ROWS > 6
    case 7:
      tile(7, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
    case 8:
      tile(8, WHOLE, panel, from, ldx, depth, to, ldc, valid);
      break;
#endif
    }
    b += now;
  }
}

/* C (rows, valid) += X (rows, depth) times one packed panel. */
static void times_panel(const float *panel, const float *x, int64_t ldx, int64_t depth, int64_t rows, float *c,
                        int64_t ldc, int valid) {
  for (int64_t k = 0; k < depth; k += DEPTH) {
    int64_t now = depth - k < DEPTH ? depth - k : DEPTH;
    if (valid >= PANEL) tiles(1, panel + k * PANEL, x + k, ldx, now, rows, c, ldc, valid);
    else tiles(0, panel + k * PANEL, x + k, ldx, now, rows, c, ldc, valid);
  }
}

/* Lay out `valid` rows of W (., depth) as a panel; rows that do not exist are zeros. */
static void pack_rows(const float *w, int64_t ldw, int64_t depth, int valid, float *panel) {
  for (int64_t k0 = 0; k0 < depth; k0 += 16) { /* a cache line of each row at a time */
    int64_t k1 = k0 + 16 < depth ? k0 + 16 : depth;
    for (int r = 0; r < PANEL; r++) {
      if (r < valid) __builtin_prefetch(w + r * ldw + k0 + 64);
      for (int64_t k = k0; k < k1; k++) panel[k * PANEL + r] = r < valid ? w[r * ldw + k] : 0.0f;
    }
  }
}

/* Lay out `valid` columns of W (depth, .) as a panel: the rows of W^T. */
static void pack_columns(const float *w, int64_t ldw, int64_t depth, int valid, float *panel) {
  for (int64_t k = 0; k < depth; k++) {
    store(panel + k * PANEL, load_first(w + k * ldw, valid));
    store(panel + k * PANEL + VL, valid > VL ? load_first(w + k * ldw + VL, valid - VL) : fill(0.0f));
  }
}

/* Four rows of W by ROWS batch rows, straight from the matrix: vectors run along the depth. */
#if VL == 16
#define MOST_DOTS 6
#else
#define MOST_DOTS 3
#endif

ALWAYS void dots(const int ROWS, const int HEIGHT, const float *w, int64_t ldw, const float *x, int64_t ldx,
                 int64_t depth, float *c, int64_t ldc) {
  vf sum[4][MOST_DOTS];
  for (int r = 0; r < HEIGHT; r++)
    for (int b = 0; b < ROWS; b++) sum[r][b] = fill(0.0f);
  int64_t k = 0;
  for (; k + VL <= depth; k += VL) {
    vf one[MOST_DOTS];
#pragma GCC unroll 6
    for (int b = 0; b < ROWS; b++) one[b] = load(x + b * ldx + k);
#pragma GCC unroll 4
    for (int r = 0; r < HEIGHT; r++) {
      vf weight = load(w + r * ldw + k);
      __builtin_prefetch(w + (r + HEIGHT) * ldw + k); /* the next rows: each begins a page, where hardware stops */
#pragma GCC unroll 6
      for (int b = 0; b < ROWS; b++) sum[r][b] = muladd(weight, one[b], sum[r][b]);
    }
  }
  if (k < depth) {
    int left = (int)(depth - k);
#pragma GCC unroll 4
    for (int r = 0; r < HEIGHT; r++)
#pragma GCC unroll 6
      for (int b = 0; b < ROWS; b++)
        sum[r][b] = muladd(load_first(w + r * ldw + k, left), load_first(x + b * ldx + k, left), sum[r][b]);
  }
#pragma GCC unroll 6
  for (int b = 0; b < ROWS; b++)
#pragma GCC unroll 4
    for (int r = 0; r < HEIGHT; r++) c[b * ldc + r] += total(sum[r][b]);
}

/* C (rows, count) += X (rows, depth) W^T for `count` rows of W as they stand, for steps that are too few to pack for.
 */
static void times_rows(const float *w, int64_t ldw, int64_t count, const float *x, int64_t ldx, int64_t depth,
                       int64_t rows, float *c, int64_t ldc) {
  int64_t r = 0;
  for (; r + 4 <= count; r += 4) {
    int64_t b = 0;
    for (; b + MOST_DOTS <= rows; b += MOST_DOTS)
      dots(MOST_DOTS, 4, w + r * ldw, ldw, x + b * ldx, ldx, depth, c + b * ldc + r, ldc);
    for (; b + 2 <= rows; b += 2) dots(2, 4, w + r * ldw, ldw, x + b * ldx, ldx, depth, c + b * ldc + r, ldc);
    for (; b < rows; b++) dots(1, 4, w + r * ldw, ldw, x + b * ldx, ldx, depth, c + b * ldc + r, ldc);
  }
  for (; r < count; r++)
    for (int64_t b = 0; b < rows; b++) dots(1, 1, w + r * ldw, ldw, x + b * ldx, ldx, depth, c + b * ldc + r, ldc);
}

#endif
