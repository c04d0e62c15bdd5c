#ifndef CAPTRAIN_KERNELS_MATH_DROPOUT_H_
#define CAPTRAIN_KERNELS_MATH_DROPOUT_H_

#include <cstdint>

#include "../instruction_set.h"

namespace captrain {

// The state of the generator Philox4x32-10, which gives the numbers 4g…4g+3 of a sequence as a function of g (Salmon et
// al. 2011): a key, and the upper half of the counter whose lower half is g.
struct PhiloxState {
  uint32_t key[2];
  uint32_t stream[2];
};

}  // namespace captrain

CAPTRAIN_MATH(
    // The state that TensorFlow's StatelessRandomUniform draws from for a seed (stateless_random_ops.cc, GenerateKey).
    PhiloxState philox_of_seed(const int32_t* seed);

    // y = x · scale where a number uniform in [0, 1) is at least `rate`, else 0: for the values first…first+count−1 of a
    // tensor that begins at x. `first` is a multiple of 4. y may be x.
    void dropout(const PhiloxState& state, float rate, float scale, int64_t first, int64_t count, const float* x, float* y);
)

#endif  // CAPTRAIN_KERNELS_MATH_DROPOUT_H_
