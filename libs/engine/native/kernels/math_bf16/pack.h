#ifndef CAPTRAIN_KERNELS_MATH_BF16_PACK_H_
#define CAPTRAIN_KERNELS_MATH_BF16_PACK_H_

#include <cstdint>

namespace captrain {
namespace avx512_bf16 {

// Factors of a product as its inner loop reads them. The lines of a factor (rows of a, columns of b) are cut into panels
// of `width` lines (8 or 48), the last filled up with zeros. A panel holds, for each pair of depths 2p and 2p + 1, `width`
// words of 32 bits, one a line: its two values there in bfloat16, rounded to nearest even, the even depth in the low
// half; an odd last depth is paired with zero. Panels lie `panel` words apart: at least ⌈depth / 2⌉ · width, a multiple
// of 16. Subnormal values become zero.

// Packs from values whose depths lie one after another: line l, depth k at in[l · stride + k].
void pack_lines(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                uint32_t* out);

// Packs from values whose lines lie one after another: line l, depth k at in[k · stride + l].
void pack_depths(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                 uint32_t* out);

}  // namespace avx512_bf16
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_BF16_PACK_H_
