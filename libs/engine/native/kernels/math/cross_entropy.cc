#include "cross_entropy.h"

#include "transcendental.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Vectors worked on side by side, so that one addition need not wait for the one before.
constexpr int64_t kUnroll = 4;
constexpr float kLeast = -__builtin_inff();

float largest_of(const float* x, int64_t count) {
  Floats largest[kUnroll];
  for (Floats& one : largest) one = all(kLeast);
  int64_t i = 0;
  for (; i + kUnroll * kLanes <= count; i += kUnroll * kLanes)
    for (int64_t k = 0; k < kUnroll; ++k) largest[k] = larger(largest[k], load(x + i + k * kLanes));
  for (; i < count; i += kLanes) {
    const bool whole = i + kLanes <= count;
    largest[0] = larger(largest[0], whole ? load(x + i) : load_part(x + i, count - i, kLeast));
  }
  return largest_lane(larger(larger(largest[0], largest[1]), larger(largest[2], largest[3])));
}

// y = exp(x − largest); returns its sum.
float exponentials(const float* x, int64_t count, float largest, float* y) {
  Floats sums[kUnroll] = {};
  int64_t i = 0;
  for (; i + kUnroll * kLanes <= count; i += kUnroll * kLanes)
    for (int64_t k = 0; k < kUnroll; ++k) {
      const Floats e = exp_of_negative(load(x + i + k * kLanes) - largest);
      store(y + i + k * kLanes, e);
      sums[k] += e;
    }
  for (; i < count; i += kLanes) {
    const int64_t part = count - i < kLanes ? count - i : kLanes;
    const Floats e = exp_of_negative(load_part(x + i, part, kLeast) - largest);
    store_part(y + i, e, part);
    sums[0] += e;
  }
  return sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

}  // namespace

float cross_entropy(const float* logits, int64_t width, const int32_t* targets, int64_t count, float* gradient) {
  if (count == 0) {
    for (int64_t i = 0; i < width; ++i) gradient[i] = 0;
    return 0;
  }
  const float largest = largest_of(logits, width);
  double of_targets = 0;
  for (int64_t i = 0; i < count; ++i) of_targets += logits[targets[i]] - largest;
  const float sum = exponentials(logits, width, largest, gradient);
  const float factor = static_cast<float>(count) / sum;
  for (int64_t i = 0; i < width; ++i) gradient[i] *= factor;
  for (int64_t i = 0; i < count; ++i) gradient[targets[i]] -= 1.0f;
  return static_cast<float>(static_cast<double>(count) * __builtin_log(sum) - of_targets);
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
