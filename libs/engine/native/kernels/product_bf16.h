#ifndef CAPTRAIN_KERNELS_PRODUCT_BF16_H_
#define CAPTRAIN_KERNELS_PRODUCT_BF16_H_

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

// c[i, j] = bias[j] + Σₖ a[i, k] · b[j, k] with a and b rounded to bfloat16 (nearest even), summed in float32 over pairs
// of k in ascending order, whatever the number of threads; bias, which may be null, is added last. Only where
// instruction_set() is avx512_bf16.
void product_bf16(const Factor& a, const Factor& b, const float* bias, float* c);

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_PRODUCT_BF16_H_
