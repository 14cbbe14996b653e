/* LayerNorm-LSTM (cells/lstm_norm.py): as the LSTM, but the threads must agree on means and variances within a step. */
#include "recurrence.c"

typedef struct { /* beside a `sequence`, whose `gates` hold LN(W x) + b at first */
  sequence s;
  const float *recurrent_gain;        /* (4 H) */
  const float *cell_gain, *cell_bias; /* (H) */
  float *normed;                      /* (T, B, 4 H): normalised U h; backward: becomes the gradient of U h */
  float *spread;                      /* (T, B, 2): 1 / deviation of U h, and of c */
  float *center;                      /* (T, B): mean of c */
  double *shares;                     /* (B, threads, 2) room in which the threads tell each other their sums */
  float *d_recurrent_gain, *d_cell_gain, *d_cell_bias;
  float epsilon;
} normed_sequence;

/* What one thread knows of a row. Forward: mean and summed squares around it; backward: two sums. */
static void tell(const normed_sequence *q, int mine, int64_t b, double one, double two) {
  double *at = q->shares + (b * MOST_THREADS + mine) * 2;
  at[0] = one, at[1] = two;
}

/* Mean and 1 / deviation of a row from every thread's part of it (Chan et al. 1979). */
static void agree_on_moments(const normed_sequence *q, int size, int64_t b, int per_unit, float *mean, float *spread) {
  int64_t panels = (q->s.units + PANEL - 1) / PANEL, all = q->s.units * per_unit, from, to;
  const double *at = q->shares + b * MOST_THREADS * 2;
  double sum = 0, squares = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < size; k++) {
      share(panels, k, size, &from, &to);
      int64_t last = to * PANEL < q->s.units ? to * PANEL : q->s.units, n = (last - from * PANEL) * per_unit;
      if (pass == 0) sum += n * at[2 * k];
      else squares += at[2 * k + 1] + n * (at[2 * k] - sum / all) * (at[2 * k] - sum / all);
    }
  *mean = (float)(sum / all);
  *spread = (float)(1.0 / __builtin_sqrt(squares / all + q->epsilon));
}

static void agree_on_sums(const normed_sequence *q, int size, int64_t b, float *one, float *two) {
  const double *at = q->shares + b * MOST_THREADS * 2;
  double first = 0, second = 0;
  for (int k = 0; k < size; k++) first += at[2 * k], second += at[2 * k + 1];
  *one = (float)first, *two = (float)second;
}

/* The units of a thread, a vector at a time, in one row. */
#define UNITS(s, o)                                                                                                    \
  for (int64_t u = (o).first * PANEL, stop = (o).end * PANEL < (s)->units ? (o).end * PANEL : (s)->units,              \
               n = stop - u;                                                                                           \
       n > 0; u += VL, n -= VL)

/* Tell mean and summed squares of this thread's part of `parts` vectors of H at `row`. */
static void tell_moments(const normed_sequence *q, own o, int mine, int64_t b, const float *row, int parts) {
  const sequence *s = &q->s;
  double sum = 0, squares = 0;
  int64_t count = 0;
  for (int g = 0; g < parts; g++) UNITS(s, o) {
      sum += total(load_first(row + g * s->units + u, n));
      count += n < VL ? n : VL;
    }
  float mean = count ? (float)(sum / count) : 0.0f;
  for (int g = 0; g < parts; g++) UNITS(s, o) {
      vf away = load_first(row + g * s->units + u, n) - fill(mean);
      float lanes[VL];
      store(lanes, away * away);
      for (int k = 0; k < (n < VL ? n : VL); k++) squares += lanes[k];
    }
  tell(q, mine, b, mean, squares);
}

static void norm_lstm_forward(team *crew, void *job, int mine, int size) {
  const normed_sequence *q = job;
  const sequence *s = &q->s;
  own o = panels_of(s, mine, size);
  int64_t H = s->units, B = s->batch, step = B * H;
  if (s->packed) pack_forward(s, o, 4);
  for (int64_t t = 0; t < s->steps; t++) {
    float *normed = q->normed + t * 4 * step;
    for (int64_t p = o.first; p < o.end; p++)
      for (int g = 0; g < 4; g++) {
        for (int64_t b = 0; b < B; b++)
          for (int64_t u = p * PANEL, n = width_of(s, p); n > 0; u += VL, n -= VL)
            store_first(normed + (b * 4 + g) * H + u, fill(0.0f), n);
        add_product(s, o, t, g, p, s->entering + t * step, normed + g * H + p * PANEL, 4 * H);
      }
    for (int64_t b = 0; b < B; b++) tell_moments(q, o, mine, b, normed + b * 4 * H, 4);
    meet(crew, size);
    for (int64_t b = 0; b < B; b++) {
      float mean, spread;
      agree_on_moments(q, size, b, 4, &mean, &spread);
      if (mine == 0) q->spread[(t * B + b) * 2] = spread;
      UNITS(s, o) {
        vf gate[4];
        for (int g = 0; g < 4; g++) {
          float *at = normed + (b * 4 + g) * H + u;
          vf hat = (load_first(at, n) - fill(mean)) * fill(spread);
          store_first(at, hat, n);
          gate[g] =
              muladd(hat, load_first(q->recurrent_gain + g * H + u, n), load_first(GATE(s->gates, 4, t, b, g, u), n));
          gate[g] = g == 2 ? hyperbolic_tangent(gate[g]) : sigmoid(gate[g]);
          store_first(GATE(s->gates, 4, t, b, g, u), gate[g], n);
        }
        float *c = s->c + t * step + b * H + u;
        vf fresh = muladd(gate[1], load_first(c, n), gate[0] * gate[2]);
        store_first(c + step, padded(s, t, b) ? load_first(c, n) : fresh, n);
      }
    }
    meet(crew, size); /* all have read the sums */
    for (int64_t b = 0; b < B; b++) tell_moments(q, o, mine, b, s->c + (t + 1) * step + b * H, 1);
    meet(crew, size);
    for (int64_t b = 0; b < B; b++) {
      float mean, spread;
      agree_on_moments(q, size, b, 1, &mean, &spread);
      if (mine == 0) q->spread[(t * B + b) * 2 + 1] = spread, q->center[t * B + b] = mean;
      UNITS(s, o) {
        int64_t now = t * step + b * H + u, next = now + step;
        vf hat = (load_first(s->c + next, n) - fill(mean)) * fill(spread);
        vf c = muladd(hat, load_first(q->cell_gain + u, n), load_first(q->cell_bias + u, n));
        vf h = load_first(GATE(s->gates, 4, t, b, 3, u), n) * hyperbolic_tangent(c);
        store_first(s->h + next, padded(s, t, b) ? load_first(s->h + now, n) : h, n);
      }
    }
    for (int64_t p = o.first; p < o.end; p++) enter_next(s, t, p);
    meet(crew, size);
  }
}

static void norm_lstm_backward(team *crew, void *job, int mine, int size) {
  const normed_sequence *q = job;
  const sequence *s = &q->s;
  own o = panels_of(s, mine, size);
  int64_t H = s->units, B = s->batch, step = B * H;
  pack_backward(s, o, 4);
  for (int64_t t = s->steps - 1; t >= 0; t--) {
    float *normed = q->normed + t * 4 * step;
    for (int64_t b = 0; b < B; b++) { /* h = o tanh(LN(c)): gradients of o and of LN(c), the latter in `room` */
      float mean = q->center[t * B + b], spread = q->spread[(t * B + b) * 2 + 1];
      vf one = fill(1.0f), first = fill(0.0f), second = fill(0.0f);
      UNITS(s, o) {
        if (padded(s, t, b)) {
          pass_gradient(s, t, b, u, n);
          continue;
        }
        int64_t at = b * H + u, next = (t + 1) * step + at;
        vf gain = load_first(q->cell_gain + u, n), out = load_first(GATE(s->gates, 4, t, b, 3, u), n);
        vf hat = (load_first(s->c + next, n) - fill(mean)) * fill(spread);
        vf tanh_c = hyperbolic_tangent(muladd(hat, gain, load_first(q->cell_bias + u, n)));
        vf d_h = fresh_gradient(s, t, b, u, n);
        vf d_norm = d_h * out * (one - tanh_c * tanh_c);
        store_first(q->d_cell_gain + u, muladd(d_norm, hat, load_first(q->d_cell_gain + u, n)), n);
        store_first(q->d_cell_bias + u, load_first(q->d_cell_bias + u, n) + d_norm, n);
        store_first(GATE(s->dgates, 4, t, b, 3, u), d_h * tanh_c * out * (one - out), n);
        d_norm = d_norm * gain;
        store_first(s->room + at, d_norm, n);
        first += d_norm, second = muladd(d_norm, hat, second);
      }
      tell(q, mine, b, total(first), total(second));
    }
    meet(crew, size);
    for (int64_t b = 0; b < B; b++) { /* through LN(c) and the gates */
      float mean = q->center[t * B + b], spread = q->spread[(t * B + b) * 2 + 1], sum, slope;
      agree_on_sums(q, size, b, &sum, &slope);
      UNITS(s, o) {
        int64_t at = b * H + u, now = t * step + at;
        if (padded(s, t, b)) {
          for (int g = 0; g < 4; g++) store_first(GATE(s->dgates, 4, t, b, g, u), fill(0.0f), n);
          continue;
        }
        vf in = load_first(GATE(s->gates, 4, t, b, 0, u), n), forget = load_first(GATE(s->gates, 4, t, b, 1, u), n);
        vf candidate = load_first(GATE(s->gates, 4, t, b, 2, u), n), one = fill(1.0f);
        vf old_c = load_first(s->c + now, n), hat = (load_first(s->c + now + step, n) - fill(mean)) * fill(spread);
        vf d_c = (load_first(s->room + at, n) - fill(sum / H) - hat * fill(slope / H)) * fill(spread);
        d_c += load_first(s->dc + at, n);
        store_first(s->dc + at, d_c * forget, n);
        store_first(GATE(s->dgates, 4, t, b, 0, u), d_c * candidate * in * (one - in), n);
        store_first(GATE(s->dgates, 4, t, b, 1, u), d_c * old_c * forget * (one - forget), n);
        store_first(GATE(s->dgates, 4, t, b, 2, u), d_c * in * (one - candidate * candidate), n);
      }
    }
    meet(crew, size); /* all have read the sums */
    for (int64_t b = 0; b < B; b++) {
      vf first = fill(0.0f), second = fill(0.0f);
      for (int g = 0; g < 4; g++) UNITS(s, o) {
          vf d = load_first(GATE(s->dgates, 4, t, b, g, u), n), hat = load_first(normed + (b * 4 + g) * H + u, n);
          float *d_gain = q->d_recurrent_gain + g * H + u;
          store_first(d_gain, muladd(d, hat, load_first(d_gain, n)), n);
          d = d * load_first(q->recurrent_gain + g * H + u, n);
          first += d, second = muladd(d, hat, second);
        }
      tell(q, mine, b, total(first), total(second));
    }
    meet(crew, size);
    for (int64_t b = 0; b < B; b++) { /* through LN(U h) */
      float spread = q->spread[(t * B + b) * 2], sum, slope;
      agree_on_sums(q, size, b, &sum, &slope);
      if (padded(s, t, b)) sum = slope = 0.0f;
      for (int g = 0; g < 4; g++) UNITS(s, o) {
          float *at = normed + (b * 4 + g) * H + u;
          vf d = load_first(GATE(s->dgates, 4, t, b, g, u), n) * load_first(q->recurrent_gain + g * H + u, n);
          store_first(at, (d - fill(sum / (4 * H)) - load_first(at, n) * fill(slope / (4 * H))) * fill(spread), n);
        }
    }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++) back_through_product(s, t, 4, 0, 4, p, normed, 4 * H);
  }
}

void gatewise_norm_lstm_forward(normed_sequence *q) { run_team(norm_lstm_forward, q, threads_for(&q->s, 4)); }
void gatewise_norm_lstm_backward(normed_sequence *q) { run_team(norm_lstm_backward, q, threads_for(&q->s, 4)); }
int64_t gatewise_most_threads(void) { return MOST_THREADS; }
