#ifndef CAPTRAIN_KERNELS_MATH_STREAM_COPY_H_
#define CAPTRAIN_KERNELS_MATH_STREAM_COPY_H_

#include <cstdint>

#include "../instruction_set.h"

CAPTRAIN_MATH(
    // Copies floats past the caches, so that the target is not read first: for more than fits into them.
    void stream_copy(const float* from, int64_t count, float* to);
)

#endif  // CAPTRAIN_KERNELS_MATH_STREAM_COPY_H_
