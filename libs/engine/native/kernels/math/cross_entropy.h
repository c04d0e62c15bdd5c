#ifndef CAPTRAIN_KERNELS_MATH_CROSS_ENTROPY_H_
#define CAPTRAIN_KERNELS_MATH_CROSS_ENTROPY_H_

#include <cstdint>

#include "../instruction_set.h"

CAPTRAIN_MATH(
    // The cross-entropy (nats) of softmax(logits) against each of `count` targets, summed, and its gradient: count ·
    // softmax − what each target counts. `gradient` may be `logits`.
    float cross_entropy(const float* logits, int64_t width, const int32_t* targets, int64_t count, float* gradient);
)

#endif  // CAPTRAIN_KERNELS_MATH_CROSS_ENTROPY_H_
