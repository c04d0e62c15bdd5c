// exp, the logistic function, tanh and erf of vectors, within 3e-7 (relative for exp and the logistic function, absolute
// for the others, and relative near 0). NaN stays NaN. Polynomials: Cephes (S. Moshier), expf.c and tanhf.c; Eigen's erf.

#ifndef CAPTRAIN_KERNELS_MATH_TRANSCENDENTAL_H_
#define CAPTRAIN_KERNELS_MATH_TRANSCENDENTAL_H_

#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {

// eˣ for x ≤ 0; 0 where it would be smaller than the smallest normal number, from about −87 on.
static inline Floats exp_of_negative(Floats x) {
#ifdef __AVX512F__
  const Floats clamped = larger(all(-126.0f), x);
#else
  const Floats clamped = larger(all(-87.0f), x);
#endif
  // Adding 1.5 · 2²³ rounds to a whole number, which is then in the low bits.
  const Floats shifted = clamped * 1.44269504088896341f + 12582912.0f;
  const Floats n = shifted - 12582912.0f;
  const Floats r = clamped - n * 0.693359375f - n * -2.12194440e-4f;
  Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
#ifdef __AVX512F__
  return (Floats)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  const Floats power = (Floats)(((Ints)shifted + (127 - 0x4b400000)) << 23);
  return x < -87.0f ? Floats{} : p * power;
#endif
}

// 1 / (1 + e⁻ˣ)
static inline Floats logistic(Floats x) {
  const Floats e = exp_of_negative(negative_of_size(x));
  return (x >= 0.0f ? all(1.0f) : e) / (1.0f + e);
}

static inline Floats tanh_of(Floats x) {
  const Floats size = absolute(x);
  const Floats square = x * x;
  Floats p = square * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * square + -5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square + -3.33332819422e-1f;
  const Floats near = p * square * x + x;
  const Floats e = exp_of_negative(-2.0f * size);
  const Floats far = (1.0f - e) / (1.0f + e);
  const Floats signed_far = (Floats)((Ints)far | ((Ints)x & (int32_t)0x80000000));
  return size < 0.625f ? near : signed_far;
}

// The error function: a quotient of polynomials on [−4, 4], where it reaches 1.
static inline Floats erf_of(Floats x) {
  x = smaller(all(4.0f), larger(all(-4.0f), x));
  const Floats square = x * x;
  Floats p = square * -2.72614225801306e-10f + 2.77068142495902e-08f;
  p = p * square + -2.10102402082508e-06f;
  p = p * square + -5.69250639462346e-05f;
  p = p * square + -7.34990630326855e-04f;
  p = p * square + -2.95459980854025e-03f;
  p = p * square + -1.60960333262415e-02f;
  Floats q = square * -1.45660718464996e-05f + -2.13374055278905e-04f;
  q = q * square + -1.68282697438203e-03f;
  q = q * square + -7.37332916720468e-03f;
  q = q * square + -1.42647390514189e-02f;
  return x * p / q;
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_TRANSCENDENTAL_H_
