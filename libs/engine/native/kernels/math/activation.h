#ifndef CAPTRAIN_KERNELS_MATH_ACTIVATION_H_
#define CAPTRAIN_KERNELS_MATH_ACTIVATION_H_

#include <cstdint>

#include "../instruction_set.h"

namespace captrain {

// gelu: x · Φ(x), with the error function; gelu_new: GPT-2's, with tanh; quick_gelu: x · σ(1.702 x); silu: x · σ(x).
enum class Activation { relu, tanh, sigmoid, gelu, gelu_new, quick_gelu, silu };

}  // namespace captrain

CAPTRAIN_MATH(
    void activation(Activation kind, const float* x, int64_t count, float* y);

    // dx = dy · the slope at x. dx may be dy.
    void activation_gradient(Activation kind, const float* dy, const float* x, int64_t count, float* dx);
)

#endif  // CAPTRAIN_KERNELS_MATH_ACTIVATION_H_
