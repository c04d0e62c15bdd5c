#ifndef CAPTRAIN_KERNELS_PRODUCT_H_
#define CAPTRAIN_KERNELS_PRODUCT_H_

#include <cstdint>

namespace captrain {

// A matrix: `across` × `deep` where depths lie one after another, else `deep` × `across`. Lines go across (the rows of
// the left factor, the columns of the right one); sums run over depths.
struct Factor {
  const float* values;
  bool depths_together;
  int64_t lines;
  int64_t depth;
};

// c[i, j] = bias[j] + Σₖ a[i, k] · b[j, k], in one float32 sum for each value, over k in ascending order, whatever the
// number of threads; bias, which may be null, is added last.

// By fused multiply-adds. Only where instruction_set() is avx512 or better.
void product_float32(const Factor& a, const Factor& b, const float* bias, float* c);

// With a and b rounded to bfloat16 (nearest even), adding up pairs of k. Only where instruction_set() is avx512_bf16 or
// better.
void product_bfloat16(const Factor& a, const Factor& b, const float* bias, float* c);

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_PRODUCT_H_
