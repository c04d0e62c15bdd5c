// Random bits as a pure function of a counter: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

#ifndef CAPTRAIN_KERNELS_MATH_PHILOX_H_
#define CAPTRAIN_KERNELS_MATH_PHILOX_H_

#include <immintrin.h>

#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Whole numbers of 64 bits: a counter's word in the lower half of each, whatever lies in the upper.
typedef uint64_t Words __attribute__((vector_size(kLanes * sizeof(float)), may_alias));
constexpr int64_t kCounters = kLanes / 2;

// The 64-bit products of lower halves.
inline Words multiply(Words a, Words b) {
#ifdef __AVX512F__
  return reinterpret_cast<Words>(_mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#else
  return reinterpret_cast<Words>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#endif
}

// How many random numbers a call of `philox` gives: the four words of eight counters.
constexpr int64_t kPhiloxNumbers = 32;

// The words of the counters (first + lane, b, c, 0) for the lanes 0…7: numbers[16 · (word / 2) + 2 · lane + word % 2], the
// same on every instruction set. `numbers` begins at a whole line.
inline void philox(uint32_t first, uint32_t b, uint32_t c, const uint32_t seed[2], uint32_t* numbers) {
  for (int64_t lane = 0; lane < 8; lane += kCounters) {
    Words x0{}, x1 = Words{} + uint64_t{b}, x2 = Words{} + uint64_t{c}, x3{};
    for (int64_t i = 0; i < kCounters; ++i) x0[i] = uint64_t{first} + static_cast<uint64_t>(lane + i);
    uint32_t key0 = seed[0], key1 = seed[1];
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const Words p0 = multiply(x0, Words{} + uint64_t{0xD2511F53u});
      const Words p1 = multiply(x2, Words{} + uint64_t{0xCD9E8D57u});
      x0 = (p1 >> 32) ^ x1 ^ uint64_t{key0};
      x1 = p1;
      x2 = (p0 >> 32) ^ x3 ^ uint64_t{key1};
      x3 = p0;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    const Words lower = Words{} + uint64_t{0xFFFFFFFFu};
    *reinterpret_cast<Words*>(numbers + 2 * lane) = (x0 & lower) | (x1 << 32);
    *reinterpret_cast<Words*>(numbers + 2 * lane + 16) = (x2 & lower) | (x3 << 32);
  }
}

}  // namespace
}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_PHILOX_H_
