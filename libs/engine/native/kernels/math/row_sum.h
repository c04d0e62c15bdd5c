#ifndef CAPTRAIN_KERNELS_MATH_ROW_SUM_H_
#define CAPTRAIN_KERNELS_MATH_ROW_SUM_H_

#include <cstdint>

#include "../instruction_set.h"

CAPTRAIN_MATH(
    // The sum of these rows of `width` values.
    void row_sum(const float* x, int64_t rows, int64_t width, float* sum);
)

#endif  // CAPTRAIN_KERNELS_MATH_ROW_SUM_H_
