// Random bits as a pure function of a counter: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
// 1, 2, 3"). For files in math/ alone.

#ifndef CAPTRAIN_KERNELS_MATH_PHILOX_H_
#define CAPTRAIN_KERNELS_MATH_PHILOX_H_

#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Counters side by side: each is four 32-bit words, and every word has a lane of 64 bits, which a product needs.
constexpr int64_t kCounters = kLanes / 2;
typedef uint64_t Words __attribute__((vector_size(8 * kCounters)));

// Of the lower halves.
inline Words product(Words a, Words b) {
#ifdef __AVX512F__
  return (Words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#else
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#endif
}

struct Block {
  Words word[4];
};

inline Words same(uint64_t value) { return value - Words{}; }

// The ten rounds. Upper halves of lanes are rubbish, before and after: products leave them out.
inline Block philox(Block block, const uint32_t seed[2]) {
  uint32_t key[] = {seed[0], seed[1]};
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const Words a = product(block.word[0], same(0xd2511f53));
    const Words b = product(block.word[2], same(0xcd9e8d57));
    block = {{(b >> 32) ^ block.word[1] ^ same(key[0]), b, (a >> 32) ^ block.word[3] ^ same(key[1]), a}};
    key[0] += 0x9e3779b9;
    key[1] += 0xbb67ae85;
  }
  return block;
}

}  // namespace
}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_PHILOX_H_
