#include "layer_norm.h"

#include <cmath>

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Sixteen sums side by side, added up in a fixed order: the compiler may not reorder a sum of floats by itself.
constexpr int64_t kLanes = 16;

struct Sum {
  float lanes[kLanes] = {};
  float total() const {
    float half[kLanes];
    for (int64_t i = 0; i < kLanes; ++i) half[i] = lanes[i];
    for (int64_t width = kLanes / 2; width > 0; width /= 2)
      for (int64_t i = 0; i < width; ++i) half[i] += half[i + width];
    return half[0];
  }
};

// The sum of value(i) over 0…count−1.
template <typename Value>
inline float sum_of(int64_t count, Value value) {
  Sum sum;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) sum.lanes[lane] += value(i + lane);
  for (; i < count; ++i) sum.lanes[i % kLanes] += value(i);
  return sum.total();
}

}  // namespace

void layer_norm(const float* x, const float* gain, const float* bias, float epsilon, int64_t rows, int64_t width,
                float* y, float* mean, float* rstd) {
  const float scale = 1.0f / static_cast<float>(width);
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x + row * width;
    float* out = y + row * width;
    const float middle = sum_of(width, [&](int64_t i) { return in[i]; }) * scale;
    const float variance = sum_of(width, [&](int64_t i) { return (in[i] - middle) * (in[i] - middle); }) * scale;
    const float inverse = 1.0f / std::sqrt(variance + epsilon);
    for (int64_t i = 0; i < width; ++i) out[i] = (in[i] - middle) * inverse * gain[i] + bias[i];
    mean[row] = middle;
    rstd[row] = inverse;
  }
}

void layer_norm_gradient(const float* dy, const float* x, const float* gain, const float* mean, const float* rstd,
                         int64_t rows, int64_t width, float* dx, float* dgain, float* dbias) {
  const float scale = 1.0f / static_cast<float>(width);
  for (int64_t i = 0; i < width; ++i) dgain[i] = dbias[i] = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float* in = x + row * width;
    const float* up = dy + row * width;
    float* out = dx + row * width;
    const float middle = mean[row];
    const float inverse = rstd[row];
    const auto normal = [&](int64_t i) { return (in[i] - middle) * inverse; };
    const float average = sum_of(width, [&](int64_t i) { return up[i] * gain[i]; }) * scale;
    const float along = sum_of(width, [&](int64_t i) { return up[i] * gain[i] * normal(i); }) * scale;
    for (int64_t i = 0; i < width; ++i) {
      const float n = normal(i);
      dgain[i] += up[i] * n;
      dbias[i] += up[i];
      out[i] = (up[i] * gain[i] - average - n * along) * inverse;
    }
  }
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
