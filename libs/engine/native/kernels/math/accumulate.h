#ifndef CAPTRAIN_KERNELS_MATH_ACCUMULATE_H_
#define CAPTRAIN_KERNELS_MATH_ACCUMULATE_H_

#include <cstdint>

#include "../instruction_set.h"

CAPTRAIN_MATH(
    // sums += parts
    void accumulate(const float* parts, int64_t count, float* sums);
)

#endif  // CAPTRAIN_KERNELS_MATH_ACCUMULATE_H_
