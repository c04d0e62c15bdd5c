#include "adamw.h"

#include <cmath>

namespace captrain {
namespace CAPTRAIN_ISA {

void adamw(const AdamWHyper& hyper, const float* __restrict gradient, int64_t count, float* __restrict value,
           float* __restrict mean, float* __restrict square) {
  const AdamWHyper h = hyper;
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * h.scale;
    const float m = mean[i] * h.beta1 + g * h.rest1;
    const float v = square[i] * h.beta2 + (g * g) * h.rest2;
    mean[i] = m;
    square[i] = v;
    value[i] = (value[i] - (m * h.step_size) / (__builtin_sqrtf(v) + h.epsilon)) * h.decay;
  }
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
