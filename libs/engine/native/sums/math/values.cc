#include "values.h"

#include <immintrin.h>

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Values at any address, of memory that is seen as other types elsewhere.
typedef float Float __attribute__((aligned(1), may_alias));
typedef uint32_t Word __attribute__((aligned(1), may_alias));
typedef uint16_t Half __attribute__((aligned(1), may_alias));

// Has its highest bit set where all bits of the exponent are: for infinities and NaNs.
inline uint32_t special(uint32_t bits) { return (bits & 0x7fffffff) + 0x00800000; }

bool finite(const uint8_t* floats, int64_t count) {
  const Word* bits = reinterpret_cast<const Word*>(floats);
  uint32_t found = 0;
  for (int64_t i = 0; i < count; ++i) found |= special(bits[i]);
  return found >> 31 == 0;
}

void add(const uint8_t* left, const uint8_t* right, int64_t count, float* sum) {
  const Float* a = reinterpret_cast<const Float*>(left);
  const Float* b = reinterpret_cast<const Float*>(right);
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

bool from_bfloat16(const uint8_t* bfloats, int64_t count, float* floats) {
  const Half* upper = reinterpret_cast<const Half*>(bfloats);
  Word* bits = reinterpret_cast<Word*>(floats);
  uint32_t found = 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t value = static_cast<uint32_t>(upper[i]) << 16;
    found |= special(value);
    bits[i] = value;
  }
  return found >> 31 == 0;
}

bool to_bfloat16(const uint8_t* floats, int64_t count, uint8_t* bfloats) {
  const Word* bits = reinterpret_cast<const Word*>(floats);
  Half* upper = reinterpret_cast<Half*>(bfloats);
  uint32_t found = 0;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t value = bits[i];
    const uint32_t rounded = value + 0x7fff + (value >> 16 & 1);
    // A NaN is cut instead, as a quiet one: rounding could carry into its sign, or leave an infinity.
    const uint32_t result = (value & 0x7fffffff) > 0x7f800000 ? value | 0x00400000 : rounded;
    found |= special(result);
    upper[i] = static_cast<uint16_t>(result >> 16);
  }
  return found >> 31 == 0;
}

void stream(const uint8_t* from, int64_t bytes, uint8_t* to) {
  const int64_t before = -reinterpret_cast<intptr_t>(to) & 63;
  int64_t i = before < bytes ? before : bytes;
  __builtin_memcpy(to, from, static_cast<uint64_t>(i));
  // 16 bytes each: processors join them to whole lines of the cache, as fast as wider ones, or faster.
  for (; i + 64 <= bytes; i += 64) {
    __m128i line[4];
    __builtin_memcpy(line, from + i, sizeof line);
#pragma GCC unroll 4
    for (int64_t k = 0; k < 4; ++k) _mm_stream_si128(reinterpret_cast<__m128i*>(to + i) + k, line[k]);
  }
  __builtin_memcpy(to + i, from + i, static_cast<uint64_t>(bytes - i));
  // Streamed bytes are seen by other threads only after this.
  _mm_sfence();
}

}  // namespace

extern const ValueLoops value_loops;
const ValueLoops value_loops = {finite, add, from_bfloat16, to_bfloat16, stream};

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
