// Vectors of floats, by the compiler's own vector types: as wide as the instruction set's registers. For files in math/
// alone: everything here is in the namespace of the instruction set, and so shared with no other build.

#ifndef CAPTRAIN_KERNELS_MATH_VECTOR_H_
#define CAPTRAIN_KERNELS_MATH_VECTOR_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace captrain {
namespace CAPTRAIN_ISA {

#ifdef __AVX512F__
constexpr int64_t kLanes = 16;
#else
constexpr int64_t kLanes = 8;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef int32_t Ints __attribute__((vector_size(4 * kLanes)));

static inline Floats load(const float* from) {
  Floats x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}

static inline void store(float* to, Floats x) { __builtin_memcpy(to, &x, sizeof x); }

// The first `count` lanes; the others are `rest`. With a count that the compiler knows to be kLanes, a whole vector.
static inline Floats load_part(const float* from, int64_t count, float rest = 0) {
  if (count == kLanes) return load(from);
  Floats x = rest - Floats{};
  __builtin_memcpy(&x, from, static_cast<std::size_t>(count) * sizeof(float));
  return x;
}

static inline void store_part(float* to, Floats x, int64_t count) {
  if (count == kLanes) return store(to, x);
  __builtin_memcpy(to, &x, static_cast<std::size_t>(count) * sizeof(float));
}

// Calls step(i, lanes) for vectors at 0, kLanes, … of `count` values; the last may have fewer lanes.
template <typename Step>
static inline void each_vector(int64_t count, Step step) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) step(i, kLanes);
  if (i < count) step(i, count - i);
}
// For lambdas given to it.
#define CAPTRAIN_INLINE __attribute__((always_inline))

// The same value in every lane.
static inline Floats all(float value) { return value - Floats{}; }

static inline Floats absolute(Floats x) { return (Floats)((Ints)x & 0x7fffffff); }
// −|x|
static inline Floats negative_of_size(Floats x) { return (Floats)((Ints)x | (int32_t)0x80000000); }

// The larger; b where one of them is NaN.
static inline Floats larger(Floats a, Floats b) {
#ifdef __AVX512F__
  return (Floats)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
#endif
}
static inline Floats smaller(Floats a, Floats b) {
#ifdef __AVX512F__
  return (Floats)_mm512_min_ps((__m512)a, (__m512)b);
#else
  return (Floats)_mm256_min_ps((__m256)a, (__m256)b);
#endif
}

// 0, 1, 2 …
static inline Ints lane_numbers() {
  Ints numbers;
  for (int32_t lane = 0; lane < kLanes; ++lane) numbers[lane] = lane;
  return numbers;
}

// Lanes added up pairwise, in a fixed order.
static inline float sum_of_lanes(Floats x) {
  for (int32_t width = kLanes / 2; width > 0; width /= 2) x += __builtin_shuffle(x, lane_numbers() + width);
  return x[0];
}

static inline float largest_lane(Floats x) {
  for (int32_t width = kLanes / 2; width > 0; width /= 2) x = larger(x, __builtin_shuffle(x, lane_numbers() + width));
  return x[0];
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_VECTOR_H_
