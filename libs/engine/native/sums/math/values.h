#ifndef CAPTRAIN_SUMS_MATH_VALUES_H_
#define CAPTRAIN_SUMS_MATH_VALUES_H_

#include <cstdint>

namespace captrain {

// Loops over values as they travel: bytes in the processor's order, at any address. Every file in sums/math/ is compiled
// for any x86-64 processor ("portable"), for AVX2 and for AVX-512; all three give the same bits, since each value is
// worked on by itself. Those that tell whether values are finite look at exponents alone.
struct ValueLoops {
  bool (*finite)(const uint8_t* floats, int64_t count);
  // sum = left + right, in float32, subnormal values kept. `sum` may be one of them.
  void (*add)(const uint8_t* left, const uint8_t* right, int64_t count, float* sum);
  // Both tell whether all values of the bfloat16 are finite.
  bool (*from_bfloat16)(const uint8_t* bfloats, int64_t count, float* floats);
  // Rounds to the nearest, to the even one of two; a value beyond the largest becomes infinite, NaN stays NaN.
  bool (*to_bfloat16)(const uint8_t* floats, int64_t count, uint8_t* bfloats);
  // Copies bytes past the caches, so that the target is not read first.
  void (*stream)(const uint8_t* from, int64_t bytes, uint8_t* to);
};

namespace portable {
extern const ValueLoops value_loops;
}
namespace avx2 {
extern const ValueLoops value_loops;
}
namespace avx512 {
extern const ValueLoops value_loops;
}

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_MATH_VALUES_H_
