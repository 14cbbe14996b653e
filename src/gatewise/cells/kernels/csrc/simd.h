/* Vectors of floats: eight with AVX2, sixteen with AVX-512; the same source is compiled for both. */
#ifndef GATEWISE_SIMD_H
#define GATEWISE_SIMD_H

#include <immintrin.h>
#include <stdint.h>

#define ALWAYS static inline __attribute__((always_inline))

#ifdef __AVX512F__
#define VL 16
typedef __m512 vf;
typedef __m512i vi;
ALWAYS vf load(const float *p) { return _mm512_loadu_ps(p); }
ALWAYS void store(float *p, vf v) { _mm512_storeu_ps(p, v); }
ALWAYS vf fill(float x) { return _mm512_set1_ps(x); }
ALWAYS vf muladd(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
ALWAYS vf nearest(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
ALWAYS vf lower(vf a, vf b) { return _mm512_min_ps(a, b); } /* b where either is NaN */
ALWAYS vf higher(vf a, vf b) { return _mm512_max_ps(a, b); }
ALWAYS vf power_of_two(vf n) { /* n whole, -126 .. 127 */
  vi bits = _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23);
  return _mm512_castsi512_ps(bits);
}
ALWAYS vf magnitude(vf x) { return _mm512_abs_ps(x); }
ALWAYS vf with_sign_of(vf size, vf sign) {
  vi bit = _mm512_and_si512(_mm512_castps_si512(sign), _mm512_set1_epi32((int)0x80000000u));
  return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(size), bit));
}
ALWAYS __mmask16 first(int n) { return (__mmask16)((1u << n) - 1u); }
ALWAYS vf load_first(const float *p, int n) { return n >= VL ? load(p) : _mm512_maskz_loadu_ps(first(n), p); }
ALWAYS void store_first(float *p, vf v, int n) {
  if (n >= VL) store(p, v);
  else _mm512_mask_storeu_ps(p, first(n), v);
}
ALWAYS float total(vf v) { return _mm512_reduce_add_ps(v); }
#else
#define VL 8
typedef __m256 vf;
typedef __m256i vi;
ALWAYS vf load(const float *p) { return _mm256_loadu_ps(p); }
ALWAYS void store(float *p, vf v) { _mm256_storeu_ps(p, v); }
ALWAYS vf fill(float x) { return _mm256_set1_ps(x); }
ALWAYS vf muladd(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
ALWAYS vf nearest(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
ALWAYS vf lower(vf a, vf b) { return _mm256_min_ps(a, b); }
ALWAYS vf higher(vf a, vf b) { return _mm256_max_ps(a, b); }
ALWAYS vf power_of_two(vf n) {
  vi bits = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_castsi256_ps(bits);
}
ALWAYS vf magnitude(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
ALWAYS vf with_sign_of(vf size, vf sign) { return _mm256_or_ps(size, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f))); }
ALWAYS vi first(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
ALWAYS vf load_first(const float *p, int n) { return n >= VL ? load(p) : _mm256_maskload_ps(p, first(n)); }
ALWAYS void store_first(float *p, vf v, int n) {
  if (n >= VL) store(p, v);
  else _mm256_maskstore_ps(p, first(n), v);
}
ALWAYS float total(vf v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
#endif

/* exp(x) - 1 = 2^n e^r - 1 with |r| <= ln 2 / 2; e^r - 1 by its Taylor series, whose next term is below 1e-8 of it.
   No digits are lost near zero, where n is 0. Wants -87 <= x <= 88; NaN stays NaN. */
ALWAYS vf exp_minus_one(vf x) {
  vf n = nearest(x * fill(1.44269504088896341f));
  vf r = muladd(n, fill(-0.693145751953125f), x); /* ln 2 in two parts, the first exact in few bits */
  r = muladd(n, fill(-1.42860682030941723e-6f), r);
  vf p = fill(1.0f / 5040.0f);
  p = muladd(p, r, fill(1.0f / 720.0f));
  p = muladd(p, r, fill(1.0f / 120.0f));
  p = muladd(p, r, fill(1.0f / 24.0f));
  p = muladd(p, r, fill(1.0f / 6.0f));
  p = muladd(p, r, fill(0.5f));
  p = muladd(p * r, r, r);
  vf scale = power_of_two(n);
  return muladd(scale, p, scale - fill(1.0f));
}

ALWAYS vf sigmoid(vf x) { /* 1 / (1 + e^-x); beyond 87 it is 0 or 1 to the last bit of a float near 1 */
  vf e = exp_minus_one(lower(fill(87.0f), higher(fill(-87.0f), fill(0.0f) - x)));
  return fill(1.0f) / (e + fill(2.0f));
}

ALWAYS vf hyperbolic_tangent(vf x) { /* e / (e + 2) with e = e^(2 |x|) - 1, the sign put back */
  vf e = exp_minus_one(lower(fill(20.0f), fill(2.0f) * magnitude(x)));
  return with_sign_of(e / (e + fill(2.0f)), x);
}

#endif
