// CaptrainDropout: x and a seed of two numbers → x · mask / (1 − rate). The mask is where TensorFlow's
// StatelessRandomUniform, for the same seed and shape, is at least `rate`: drawn as it is used, and kept nowhere. The
// gradient is the same op on dy.

#include "math/dropout.h"

#include "op.h"
#include "register.h"
#include "thread_pool.h"

namespace captrain {
namespace {

constexpr int64_t kBlock = 1 << 14;

struct Dropout {
  explicit Dropout(const Attributes& attributes)
      : rate(attributes.real("rate")), scale(attributes.real("scale")) {
    require(rate >= 0 && rate < 1, "a rate of dropout is at least 0 and below 1");
  }

  void compute(const Context& context) const {
    const Tensor y = context.output_in_place_of(0, 0);
    const Tensor x = context.input(0), seed = context.input(1);
    require(seed.size() == 2, "a seed has two numbers, not " + std::to_string(seed.size()));
    const PhiloxState state = CAPTRAIN_BEST(philox_of_seed)(seed.ints());
    const auto drop = CAPTRAIN_BEST(dropout);
    parallel_blocks(x.size(), kBlock, [&](int64_t first, int64_t end) {
      drop(state, rate, scale, first, end - first, x.floats() + first, y.floats() + first);
    });
  }

  const float rate;
  const float scale;  // 1 / (1 − rate), rounded from the quotient of doubles
};

}  // namespace

void register_dropout() {
  register_op("CaptrainDropout", {"rate: float", "scale: float"}, {"x: float", "seed: int32"}, {"y: float"});
  register_cpu_kernel<Dropout>("CaptrainDropout");
}

}  // namespace captrain
