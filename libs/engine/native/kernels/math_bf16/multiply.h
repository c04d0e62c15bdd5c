#ifndef CAPTRAIN_KERNELS_MATH_BF16_MULTIPLY_H_
#define CAPTRAIN_KERNELS_MATH_BF16_MULTIPLY_H_

#include <cstdint>

namespace captrain {
namespace avx512_bf16 {

// Lines of a panel (pack.h) of the left and of the right factor: a tile of sums that fits the registers.
constexpr int64_t kRows = 8;
constexpr int64_t kColumns = 48;

// A block of a product: `rows` × `columns` (at most kColumns) values of c, `stride` values apart from row to row.
struct Block {
  const uint32_t* a;  // panels of kRows rows, `a_panel` words apart
  int64_t a_panel;
  const uint32_t* b;  // one panel of kColumns columns
  int64_t pairs;      // of depths
  float* c;
  int64_t stride;
  int64_t rows;
  int64_t columns;
  bool add;           // to what c holds, instead of setting it
  const float* bias;  // for each column, added last; or null
};

// Computes it. The sum of each value runs over the pairs of depths in ascending order, in one float32 accumulator, the
// processor's vdpbf16ps adding one pair at a time; so its bits do not depend on how a product is cut into blocks.
void multiply(const Block& block);

}  // namespace avx512_bf16
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_BF16_MULTIPLY_H_
