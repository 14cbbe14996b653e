/* SimpleRNN, GRU and LSTM over whole sequences, forwards and backwards.

   Memory is time-major. What does not wait for the step before (the input's product, the weights' gradients) is done by
   one large product outside, in Python. Here each thread owns some panels of units: it multiplies, computes the gates
   of its units while they are warm, and meets the others once a step.

   The equations are those of cells/rnn.py, gru.py and lstm.py; names of gates too. */
#include "gemm.h"
#include "team.h"

/* Python fills this in (kernels/library.py holds the same list). Absent parts are NULL. */
typedef struct {
  int64_t steps, batch, units, threads, inputs;
  int64_t dy_step, dy_row;        /* floats from one step, and one row, of dy to the next */
  int64_t is_packed;              /* 1: `packed` holds the weights from a call before (forward) */
  float hold_h_rate, hold_c_rate; /* eval's share of the old state that stays, where hold_h or hold_c is NULL */
  const float *weights;           /* (G H, H) recurrent */
  const float *bias;              /* (H), d_n of the GRU that resets after the product */
  const float *x;                 /* (T, B, I) few inputs, multiplied here; NULL: `gates` has their part already */
  const float *input_weights;     /* (I, G H), or NULL */
  const float *input_rows;        /* (G H, I), in its place */
  const float *input_bias;        /* (G H) */
  const float *second_bias;       /* (2 H) of the GRU's r and z, or NULL where it is in the first already */
  float *packed;                  /* room for the packed weights; NULL: few steps, use them as they stand */
  float *gates;                   /* (T, B, G H): input's part, becomes the gates; SimpleRNN: h[1:] */
  float *h;                       /* (T + 1, B, H), h[0] given */
  float *c;                       /* (T + 1, B, H), c[0] given: LSTM */
  float *side;                    /* (T, B, H): GRU after: U_n h + d_n; before: r * h */
  float *entering;                /* (T, B, H): h * drop, entering[0] given; h itself where nothing is dropped */
  const float *drop;              /* (B, H), scaled */
  const uint8_t *mask;            /* (T, B), 0 where there is padding */
  const int64_t *counts;          /* (T): the first so many rows of a step are real, the others are not; or NULL */
  const float *hold_h, *hold_c;   /* (T, B, H), 1 where a unit keeps its old value */
  const float *dy;                /* gradients of all outputs, or NULL */
  float *dh, *dc;                 /* (B, H): gradients of the end state; become those of the start state */
  float *dgates;                  /* (T, B, G H) gradients before the gates' functions; may be `gates` */
  float *room;                    /* (B, H) */
} sequence;

typedef struct { /* the panels that a thread owns */
  int64_t first, end, count;
} own;

static own panels_of(const sequence *s, int mine, int size) {
  own o = {.count = (s->units + PANEL - 1) / PANEL};
  share(o.count, mine, size, &o.first, &o.end);
  return o;
}

static int width_of(const sequence *s, int64_t panel) {
  int64_t left = s->units - panel * PANEL;
  return left < PANEL ? (int)left : PANEL;
}

/* Forward: gates' rows of U as panels, gate by gate. */
static void pack_forward(const sequence *s, own o, int gates) {
  for (int g = 0; g < gates; g++)
    for (int64_t p = o.first; p < o.end; p++)
      pack_rows(s->weights + (g * s->units + p * PANEL) * s->units, s->units, s->units, width_of(s, p),
                s->packed + (g * o.count + p) * s->units * PANEL);
}

/* Backward: U's columns as panels over all gates' rows. */
static void pack_backward(const sequence *s, own o, int gates) {
  int64_t rows = gates * s->units;
  for (int64_t p = o.first; p < o.end; p++)
    pack_columns(s->weights + p * PANEL, s->units, rows, width_of(s, p), s->packed + p * rows * PANEL);
}

/* The inputs' part of a gate, where it was not made for all steps at once: out (B, panel) = W x + b. */
static void begin_gate(const sequence *s, int gates, int64_t t, int g, int64_t p, float *out, int64_t ld) {
  if (!s->x) return;
  int64_t first = g * s->units + p * PANEL;
  const float *rows = s->x + t * s->batch * s->inputs;
  for (int64_t b = 0; b < s->batch; b++) {
    const float *x = rows + b * s->inputs;
    for (int64_t u = 0, n = width_of(s, p); n > 0; u += VL, n -= VL) {
      vf sum = load_first(s->input_bias + first + u, n);
      if (s->second_bias && g < 2) sum += load_first(s->second_bias + first + u, n);
      for (int64_t i = 0; s->input_weights && i < s->inputs; i++)
        sum = muladd(fill(x[i]), load_first(s->input_weights + i * gates * s->units + first + u, n), sum);
      store_first(out + b * ld + u, sum, n);
    }
  }
  if (s->input_rows)
    times_rows(s->input_rows + first * s->inputs, s->inputs, width_of(s, p), rows, s->inputs, s->inputs, s->batch, out,
               ld);
}

static int64_t rows_at(const sequence *s, int64_t t) { return s->counts ? s->counts[t] : s->batch; }

/* out (B, panel) += x (B, H) times the rows of gate g. */
static void add_product(const sequence *s, own o, int64_t t, int g, int64_t p, const float *x, float *out, int64_t ld) {
  int64_t H = s->units;
  if (s->packed) {
    times_panel(s->packed + (g * o.count + p) * H * PANEL, x, H, H, rows_at(s, t), out, ld, width_of(s, p));
  } else {
    times_rows(s->weights + (g * H + p * PANEL) * H, H, width_of(s, p), x, H, H, rows_at(s, t), out, ld);
  }
}

/* out (B, panel) += dgates (B, `gates` H from gate `g` on) times the columns of U. */
static void add_back(const sequence *s, int64_t t, int all, int g, int gates, int64_t p, const float *d, int64_t ld,
                     float *out) {
  int64_t H = s->units;
  times_panel(s->packed + (p * all + g) * H * PANEL, d, ld, gates * H, rows_at(s, t), out, H, width_of(s, p));
}

ALWAYS vf mix(vf fresh, vf old, const float *hold, float rate, int n) {
  if (hold) return muladd(load_first(hold, n), old - fresh, fresh);
  return rate != 0.0f ? muladd(fill(rate), old - fresh, fresh) : fresh;
}

ALWAYS vf held(const float *hold, float rate, int n) { return hold ? load_first(hold, n) : fill(rate); }

/* Walk over a panel's units in every row of the batch: `n` units at `at` in (B, H), `now` and `next` in (T + 1, B, H).
 */
#define EACH(s, t, p)                                                                                                  \
  for (int64_t b = 0; b < (s)->batch; b++)                                                                             \
    for (int64_t u = (p) * PANEL, n = width_of(s, p), at = b * (s)->units + u,                                         \
                 now = (t) * (s)->batch * (s)->units + at, next = now + (s)->batch * (s)->units;                       \
         n > 0; u += VL, n -= VL, at += VL, now += VL, next += VL)

static int padded(const sequence *s, int64_t t, int64_t b) { return s->mask && !s->mask[t * s->batch + b]; }

#define GATE(array, G, t, b, g, u) ((array) + (((t) * s->batch + (b)) * (G) + (g)) * s->units + (u))

static void keep_row(const sequence *s, int64_t now, int64_t next, int n) {
  store_first(s->h + next, load_first(s->h + now, n), n);
  if (s->c) store_first(s->c + next, load_first(s->c + now, n), n);
}

/* h of this step is ready for a panel: what of it enters the next step's products. */
static void enter_next(const sequence *s, int64_t t, int64_t p) {
  if (!s->drop || t + 1 == s->steps) return;
  EACH (s, t, p) store_first(s->entering + next, load_first(s->h + next, n) * load_first(s->drop + at, n), n);
}

/* ------------------------------------------------------------------------------------------------ SimpleRNN */

static void rnn_forward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t step = s->batch * s->units;
  if (s->packed && !s->is_packed) pack_forward(s, o, 1);
  for (int64_t t = 0; t < s->steps; t++) {
    for (int64_t p = o.first; p < o.end; p++) {
      begin_gate(s, 1, t, 0, p, s->h + (t + 1) * step + p * PANEL, s->units);
      add_product(s, o, t, 0, p, s->entering + t * step, s->h + (t + 1) * step + p * PANEL, s->units);
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          keep_row(s, now, next, n);
        } else {
          vf act = hyperbolic_tangent(load_first(s->h + next, n));
          const float *hold = s->hold_h ? s->hold_h + now : 0;
          store_first(s->h + next, mix(act, load_first(s->h + now, n), hold, s->hold_h_rate, n), n);
        }
      }
      enter_next(s, t, p);
    }
    meet(crew, size);
  }
}

/* dh of a step, of what the cell computed afresh; what was held goes straight on to the step before. */
ALWAYS vf fresh_gradient(const sequence *s, int64_t t, int64_t b, int64_t u, int n) {
  int64_t at = b * s->units + u, now = t * s->batch * s->units + at;
  vf dh = load_first(s->dh + at, n);
  if (s->dy) dh += load_first(s->dy + t * s->dy_step + b * s->dy_row + u, n);
  vf keep = held(s->hold_h ? s->hold_h + now : 0, s->hold_h_rate, n);
  store_first(s->dh + at, keep * dh, n);
  return (fill(1.0f) - keep) * dh;
}

static void pass_gradient(const sequence *s, int64_t t, int64_t b, int64_t u, int n) {
  float *dh = s->dh + b * s->units + u;
  if (s->dy) store_first(dh, load_first(dh, n) + load_first(s->dy + t * s->dy_step + b * s->dy_row + u, n), n);
}

/* dh (own units) += drop * (dgates U), where all threads' dgates are there. */
static void back_through_product(const sequence *s, int64_t t, int all, int g, int gates, int64_t p, const float *d,
                                 int64_t ld) {
  float *to = s->drop ? s->room : s->dh;
  if (s->drop)
    EACH (s, 0, p) store_first(to + at, fill(0.0f), n);
  add_back(s, t, all, g, gates, p, d, ld, to + p * PANEL);
  if (!s->drop) return;
#define SCALED                                                                                                         \
  store_first(s->dh + at, muladd(load_first(to + at, n), load_first(s->drop + at, n), load_first(s->dh + at, n)), n)
  EACH (s, 0, p) SCALED;
#undef SCALED
}

static void rnn_backward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t step = s->batch * s->units;
  pack_backward(s, o, 1);
  for (int64_t t = s->steps - 1; t >= 0; t--) {
    for (int64_t p = o.first; p < o.end; p++)
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          pass_gradient(s, t, b, u, n);
          store_first(s->dgates + now, fill(0.0f), n);
        } else {
          vf act = load_first(s->h + next, n);
          if (!s->hold_h &&
              s->hold_h_rate != 0.0f) /* undo the mixing; where a unit was held whole, its gradient is 0 */
            act = (act - fill(s->hold_h_rate) * load_first(s->h + now, n)) / fill(1.0f - s->hold_h_rate);
          vf d = fresh_gradient(s, t, b, u, n);
          store_first(s->dgates + now, d * (fill(1.0f) - act * act), n);
        }
      }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++) back_through_product(s, t, 1, 0, 1, p, s->dgates + t * step, s->units);
  }
}

/* ------------------------------------------------------------------------------------------------ LSTM: i, f, g, o */

static void lstm_forward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t step = s->batch * s->units;
  if (s->packed && !s->is_packed) pack_forward(s, o, 4);
  for (int64_t t = 0; t < s->steps; t++) {
    for (int64_t p = o.first; p < o.end; p++) {
      for (int g = 0; g < 4; g++) {
        begin_gate(s, 4, t, g, p, GATE(s->gates, 4, t, 0, g, p * PANEL), 4 * s->units);
        add_product(s, o, t, g, p, s->entering + t * step, GATE(s->gates, 4, t, 0, g, p * PANEL), 4 * s->units);
      }
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          keep_row(s, now, next, n);
        } else {
          float *i_at = GATE(s->gates, 4, t, b, 0, u), *f_at = GATE(s->gates, 4, t, b, 1, u);
          float *g_at = GATE(s->gates, 4, t, b, 2, u), *o_at = GATE(s->gates, 4, t, b, 3, u);
          vf in = sigmoid(load_first(i_at, n)), forget = sigmoid(load_first(f_at, n));
          vf candidate = hyperbolic_tangent(load_first(g_at, n)), out = sigmoid(load_first(o_at, n));
          vf old_c = load_first(s->c + now, n), old_h = load_first(s->h + now, n);
          vf new_c = muladd(forget, old_c, in * candidate);
          vf new_h = out * hyperbolic_tangent(new_c);
          store_first(i_at, in, n), store_first(f_at, forget, n), store_first(g_at, candidate, n);
          store_first(o_at, out, n);
          store_first(s->c + next, mix(new_c, old_c, s->hold_c ? s->hold_c + now : 0, s->hold_c_rate, n), n);
          store_first(s->h + next, mix(new_h, old_h, s->hold_h ? s->hold_h + now : 0, s->hold_h_rate, n), n);
        }
      }
      enter_next(s, t, p);
    }
    meet(crew, size);
  }
}

static void lstm_backward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t gates = 4 * s->units;
  pack_backward(s, o, 4);
  for (int64_t t = s->steps - 1; t >= 0; t--) {
    for (int64_t p = o.first; p < o.end; p++)
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          pass_gradient(s, t, b, u, n);
          for (int g = 0; g < 4; g++) store_first(GATE(s->dgates, 4, t, b, g, u), fill(0.0f), n);
        } else {
          vf in = load_first(GATE(s->gates, 4, t, b, 0, u), n), forget = load_first(GATE(s->gates, 4, t, b, 1, u), n);
          vf candidate = load_first(GATE(s->gates, 4, t, b, 2, u), n),
             out = load_first(GATE(s->gates, 4, t, b, 3, u), n);
          vf old_c = load_first(s->c + now, n), one = fill(1.0f);
          vf tanh_c = hyperbolic_tangent(muladd(forget, old_c, in * candidate));
          vf d_h = fresh_gradient(s, t, b, u, n), d_held = load_first(s->dc + at, n);
          vf keep = held(s->hold_c ? s->hold_c + now : 0, s->hold_c_rate, n);
          vf d_c = muladd(d_h * out, one - tanh_c * tanh_c, (one - keep) * d_held);
          store_first(s->dc + at, muladd(d_c, forget, keep * d_held), n);
          store_first(GATE(s->dgates, 4, t, b, 0, u), d_c * candidate * in * (one - in), n);
          store_first(GATE(s->dgates, 4, t, b, 1, u), d_c * old_c * forget * (one - forget), n);
          store_first(GATE(s->dgates, 4, t, b, 2, u), d_c * in * (one - candidate * candidate), n);
          store_first(GATE(s->dgates, 4, t, b, 3, u), d_h * tanh_c * out * (one - out), n);
        }
      }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++)
      back_through_product(s, t, 4, 0, 4, p, s->dgates + t * s->batch * gates, gates);
  }
}

/* ------------------------------------------------------------------------------------------------ GRU: r, z, n */

/* h = (1 - z) n + z h_old, for units whose gates are ready. */
ALWAYS void gru_output(const sequence *s, int64_t now, int64_t next, vf z, vf candidate, int n) {
  vf old = load_first(s->h + now, n);
  vf fresh = muladd(z, old - candidate, candidate);
  store_first(s->h + next, mix(fresh, old, s->hold_h ? s->hold_h + now : 0, s->hold_h_rate, n), n);
}

static void gru_after_forward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t step = s->batch * s->units, gates = 3 * s->units;
  if (s->packed && !s->is_packed) pack_forward(s, o, 3);
  for (int64_t t = 0; t < s->steps; t++) {
    const float *x = s->entering + t * step;
    for (int64_t p = o.first; p < o.end; p++) {
      EACH (s, t, p) store_first(s->side + now, load_first(s->bias + u, n), n);
      for (int g = 0; g < 3; g++) begin_gate(s, 3, t, g, p, GATE(s->gates, 3, t, 0, g, p * PANEL), gates);
      add_product(s, o, t, 0, p, x, GATE(s->gates, 3, t, 0, 0, p * PANEL), gates);
      add_product(s, o, t, 1, p, x, GATE(s->gates, 3, t, 0, 1, p * PANEL), gates);
      add_product(s, o, t, 2, p, x, s->side + t * step + p * PANEL, s->units);
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          keep_row(s, now, next, n);
        } else {
          float *r_at = GATE(s->gates, 3, t, b, 0, u), *z_at = GATE(s->gates, 3, t, b, 1, u);
          float *n_at = GATE(s->gates, 3, t, b, 2, u);
          vf r = sigmoid(load_first(r_at, n)), z = sigmoid(load_first(z_at, n));
          vf candidate = hyperbolic_tangent(muladd(r, load_first(s->side + now, n), load_first(n_at, n)));
          store_first(r_at, r, n), store_first(z_at, z, n), store_first(n_at, candidate, n);
          gru_output(s, now, next, z, candidate, n);
        }
      }
      enter_next(s, t, p);
    }
    meet(crew, size);
  }
}

/* dgates (T, B, 3 H): r, z and the input's part of n; what U_n made has its gradient in `side`. */
static void gru_after_backward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t H = s->units;
  pack_backward(s, o, 3);
  for (int64_t t = s->steps - 1; t >= 0; t--) {
    for (int64_t p = o.first; p < o.end; p++)
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          pass_gradient(s, t, b, u, n);
          for (int g = 0; g < 3; g++) store_first(GATE(s->dgates, 3, t, b, g, u), fill(0.0f), n);
          store_first(s->side + now, fill(0.0f), n);
          continue;
        }
        vf r = load_first(GATE(s->gates, 3, t, b, 0, u), n), z = load_first(GATE(s->gates, 3, t, b, 1, u), n);
        vf candidate = load_first(GATE(s->gates, 3, t, b, 2, u), n), one = fill(1.0f);
        vf d = fresh_gradient(s, t, b, u, n);
        vf d_n = d * (one - z) * (one - candidate * candidate);
        vf d_z = d * (load_first(s->h + now, n) - candidate) * z * (one - z);
        vf d_r = d_n * load_first(s->side + now, n) * r * (one - r);
        store_first(s->dh + at, muladd(d, z, load_first(s->dh + at, n)), n);
        store_first(GATE(s->dgates, 3, t, b, 0, u), d_r, n);
        store_first(GATE(s->dgates, 3, t, b, 1, u), d_z, n);
        store_first(GATE(s->dgates, 3, t, b, 2, u), d_n, n);
        store_first(s->side + now, d_n * r, n);
      }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++) {
      back_through_product(s, t, 3, 0, 2, p, GATE(s->dgates, 3, t, 0, 0, 0), 3 * H);
      back_through_product(s, t, 3, 2, 1, p, s->side + t * s->batch * H, H);
    }
  }
}

static void gru_before_forward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t step = s->batch * s->units, gates = 3 * s->units;
  if (s->packed && !s->is_packed) pack_forward(s, o, 3);
  for (int64_t t = 0; t < s->steps; t++) {
    const float *x = s->entering + t * step;
    for (int64_t p = o.first; p < o.end; p++) {
      for (int g = 0; g < 3; g++) begin_gate(s, 3, t, g, p, GATE(s->gates, 3, t, 0, g, p * PANEL), gates);
      for (int g = 0; g < 2; g++) add_product(s, o, t, g, p, x, GATE(s->gates, 3, t, 0, g, p * PANEL), gates);
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          store_first(s->side + now, fill(0.0f), n);
        } else {
          float *r_at = GATE(s->gates, 3, t, b, 0, u), *z_at = GATE(s->gates, 3, t, b, 1, u);
          vf r = sigmoid(load_first(r_at, n));
          store_first(r_at, r, n), store_first(z_at, sigmoid(load_first(z_at, n)), n);
          store_first(s->side + now, r * load_first(x + at, n), n);
        }
      }
    }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++) {
      add_product(s, o, t, 2, p, s->side + t * step, GATE(s->gates, 3, t, 0, 2, p * PANEL), gates);
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          keep_row(s, now, next, n);
        } else {
          float *n_at = GATE(s->gates, 3, t, b, 2, u);
          vf candidate = hyperbolic_tangent(load_first(n_at, n));
          store_first(n_at, candidate, n);
          gru_output(s, now, next, load_first(GATE(s->gates, 3, t, b, 1, u), n), candidate, n);
        }
      }
      enter_next(s, t, p);
    }
    meet(crew, size);
  }
}

/* dgates (T, B, 3 H): r, z, n. Gradients of the h that entered gather in `side` of this step, no longer needed. */
static void gru_before_backward(team *crew, void *job, int mine, int size) {
  const sequence *s = job;
  own o = panels_of(s, mine, size);
  int64_t H = s->units, step = s->batch * H;
  pack_backward(s, o, 3);
  for (int64_t t = s->steps - 1; t >= 0; t--) {
    const float *x = s->entering + t * step;
    for (int64_t p = o.first; p < o.end; p++)
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          pass_gradient(s, t, b, u, n);
          for (int g = 1; g < 3; g++) store_first(GATE(s->dgates, 3, t, b, g, u), fill(0.0f), n);
          store_first(s->room + at, fill(0.0f), n);
        } else {
          vf z = load_first(GATE(s->gates, 3, t, b, 1, u), n), candidate = load_first(GATE(s->gates, 3, t, b, 2, u), n);
          vf d = fresh_gradient(s, t, b, u, n), one = fill(1.0f);
          store_first(s->dh + at, muladd(d, z, load_first(s->dh + at, n)), n);
          store_first(GATE(s->dgates, 3, t, b, 1, u), d * (load_first(s->h + now, n) - candidate) * z * (one - z), n);
          store_first(GATE(s->dgates, 3, t, b, 2, u), d * (one - z) * (one - candidate * candidate), n);
          store_first(s->room + at, fill(0.0f), n);
        }
      }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++) { /* d (r * h) = U_n^T d_n, in `room` */
      add_back(s, t, 3, 2, 1, p, GATE(s->dgates, 3, t, 0, 2, 0), 3 * H, s->room + p * PANEL);
      EACH (s, t, p) {
        if (padded(s, t, b)) {
          store_first(GATE(s->dgates, 3, t, b, 0, u), fill(0.0f), n);
        } else {
          vf r = load_first(GATE(s->gates, 3, t, b, 0, u), n), d = load_first(s->room + at, n);
          store_first(GATE(s->dgates, 3, t, b, 0, u), d * load_first(x + at, n) * r * (fill(1.0f) - r), n);
          vf entered = s->drop ? d * r * load_first(s->drop + at, n) : d * r;
          store_first(s->dh + at, load_first(s->dh + at, n) + entered, n);
        }
      }
    }
    meet(crew, size);
    for (int64_t p = o.first; p < o.end; p++)
      back_through_product(s, t, 3, 0, 2, p, GATE(s->dgates, 3, t, 0, 0, 0), 3 * H);
  }
}

/* ------------------------------------------------------------------------------------------------ doors */

/* Small steps finish sooner on fewer threads than they would wait for each other. */
static int64_t threads_for(const sequence *s, int64_t gates) {
  int64_t panels = (s->units + PANEL - 1) / PANEL, work = s->batch * s->units * s->units * gates / 32768 + 1;
  int64_t most = s->threads < panels ? s->threads : panels;
  return work < most ? work : most;
}

#define DOOR(name, gates)                                                                                              \
  void gatewise_##name(sequence *s) { run_team(name, s, threads_for(s, gates)); }
DOOR(rnn_forward, 1)
DOOR(rnn_backward, 1)
DOOR(lstm_forward, 4)
DOOR(lstm_backward, 4)
DOOR(gru_after_forward, 3)
DOOR(gru_after_backward, 3)
DOOR(gru_before_forward, 3)
DOOR(gru_before_backward, 3)

int64_t gatewise_panel(void) { return PANEL; }

void gatewise_start(parallel_for_t torch_parallel_for) { parallel_for = torch_parallel_for; }
