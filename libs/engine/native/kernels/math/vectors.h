// Vectors of floats for the files of this folder: as wide as the instruction set's registers. Everything here has internal
// linkage, so that each build keeps its own.

#ifndef CAPTRAIN_KERNELS_MATH_VECTORS_H_
#define CAPTRAIN_KERNELS_MATH_VECTORS_H_

#include <cstdint>

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

#ifdef __AVX512F__
constexpr int64_t kLanes = 16;
#else
constexpr int64_t kLanes = 8;
#endif
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), may_alias));
typedef int32_t Integers __attribute__((vector_size(kLanes * sizeof(int32_t)), may_alias));

// Rows of scratch memory begin at multiples of this many floats, a line of the cache, on every instruction set.
constexpr int64_t kLine = 16;

constexpr int64_t padded(int64_t count) { return (count + kLine - 1) / kLine * kLine; }

// At an address that is a multiple of a vector's size.
inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

inline Vector all(float value) { return Vector{} + value; }
inline Integers all(int32_t value) { return Integers{} + value; }

inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }

inline Integers lane_numbers() {
  Integers numbers;
  for (int32_t lane = 0; lane < kLanes; ++lane) numbers[lane] = lane;
  return numbers;
}

// The lanes folded into one value by halves, always in this order.
template <typename Fold>
inline float fold(Vector value, Fold both) {
  const Integers numbers = lane_numbers();
  for (int32_t half = kLanes / 2; half > 0; half /= 2) value = both(value, __builtin_shuffle(value, numbers + half));
  return value[0];
}

inline float sum_of_lanes(Vector value) {
  return fold(value, [](Vector a, Vector b) { return a + b; });
}

inline float largest_lane(Vector value) {
  return fold(value, [](Vector a, Vector b) { return larger(a, b); });
}

// e^x within 2 units in the last place for x in −87…88; 0 below, unspecified above; NaN stays NaN. By e^x = 2^n · e^r with
// |r| ≤ ln 2 / 2, and a polynomial for e^r (Cephes' expf).
inline Vector exponential(Vector x) {
  const Vector shift = all(12582912.0f);  // 1.5 · 2^23: adding it rounds to an integer, in the lowest bits
  const Vector shifted = x * 1.44269504f + shift;
  const Vector n = shifted - shift;
  const Vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Vector power = reinterpret_cast<Vector>((reinterpret_cast<Integers>(shifted) + 127) << 23);
  return x < -87.0f ? Vector{} : p * power;
}

}  // namespace
}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_VECTORS_H_
