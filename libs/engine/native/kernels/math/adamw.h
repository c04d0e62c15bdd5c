#ifndef CAPTRAIN_KERNELS_MATH_ADAMW_H_
#define CAPTRAIN_KERNELS_MATH_ADAMW_H_

#include <cstdint>

#include "../instruction_set.h"

namespace captrain {

// What one update of AdamW multiplies by, in float32: libs/model/src/adamw says how these come about.
struct AdamWHyper {
  float scale;          // of the gradient
  float step_size;      // learning rate · bias correction
  float beta1, rest1;   // rest1 = 1 − beta1, rounded from the difference of doubles
  float beta2, rest2;
  float epsilon;
  float decay;          // 1 − learning rate · weight decay
};

}  // namespace captrain

CAPTRAIN_MATH(
    // One update of `count` values. Products and sums are rounded one by one, roots and quotients exactly, in the order
    // in which TensorFlow's ops do it: the bits are those of the composition. The Makefile forbids fused ones here.
    void adamw(const AdamWHyper& hyper, const float* gradient, int64_t count, float* value, float* mean, float* square);
)

#endif  // CAPTRAIN_KERNELS_MATH_ADAMW_H_
