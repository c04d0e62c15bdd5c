#ifndef CAPTRAIN_KERNELS_MATH_LAYER_NORM_H_
#define CAPTRAIN_KERNELS_MATH_LAYER_NORM_H_

#include <cstdint>

#include "../instruction_set.h"

CAPTRAIN_MATH(
    // y = (x − mean) · rstd · gain + bias for rows of `width` values; mean and rstd (1 / standard deviation) of each row
    // are kept. Variance by two passes, as in PyTorch.
    void layer_norm(const float* x, const float* gain, const float* bias, float epsilon, int64_t rows, int64_t width,
                    float* y, float* mean, float* rstd);

    // dx for these rows. It may be dy.
    void layer_norm_gradient(const float* dy, const float* x, const float* gain, const float* mean, const float* rstd,
                             int64_t rows, int64_t width, float* dx);

    // The sum over these rows of dy · (x − mean) · rstd, which is the gradient of the gain.
    void layer_norm_gain_gradient(const float* dy, const float* x, const float* mean, const float* rstd, int64_t rows,
                                  int64_t width, float* dgain);
)

#endif  // CAPTRAIN_KERNELS_MATH_LAYER_NORM_H_
