// CaptrainLayerNorm: x […, D], gain [D], bias [D] → y […, D], and mean and 1/deviation of each row for the gradient.
// CaptrainLayerNormGrad: dy, x, gain, mean, rstd → dx, in the buffer of dy where nobody else needs that.
// CaptrainLayerNormGainGrad: dy, x, mean, rstd → dgain. Apart, because frozen gains have no use for it. The gradient of
// the bias is the sum of the rows of dy (CaptrainRowSum).

#include "math/layer_norm.h"

#include "op.h"
#include "register.h"
#include "sum_of_blocks.h"
#include "thread_pool.h"

namespace captrain {
namespace {

constexpr int64_t kBlock = 16;

struct LayerNorm {
  explicit LayerNorm(const Attributes& attributes) : epsilon(attributes.real("epsilon")) {}

  void compute(const Context& context) const {
    const Tensor x = context.input(0), gain = context.input(1), bias = context.input(2);
    const int64_t rows = x.rows(), width = x.columns();
    require(gain.size() == width && bias.size() == width,
            "gain and bias must have the width of x " + text_of(x.shape()));
    const Tensor y = context.output(0, x.shape());
    const Tensor mean = context.output(1, {rows}), rstd = context.output(2, {rows});
    const auto norm = CAPTRAIN_BEST(layer_norm);
    parallel_blocks(rows, kBlock, [&](int64_t first, int64_t end) {
      norm(x.floats() + first * width, gain.floats(), bias.floats(), epsilon, end - first, width,
           y.floats() + first * width, mean.floats() + first, rstd.floats() + first);
    });
  }

  const float epsilon;
};

struct LayerNormGrad {
  explicit LayerNormGrad(const Attributes&) {}

  void compute(const Context& context) const {
    const Tensor dx = context.output_in_place_of(0, 0);
    const Tensor dy = context.input(0), x = context.input(1), gain = context.input(2);
    const Tensor mean = context.input(3), rstd = context.input(4);
    const int64_t rows = x.rows(), width = x.columns();
    require(dy.size() == x.size() && gain.size() == width && mean.size() == rows && rstd.size() == rows,
            "the inputs do not belong to one layer norm of x " + text_of(x.shape()));
    const auto gradient = CAPTRAIN_BEST(layer_norm_gradient);
    parallel_blocks(rows, kBlock, [&](int64_t first, int64_t end) {
      gradient(dy.floats() + first * width, x.floats() + first * width, gain.floats(), mean.floats() + first,
               rstd.floats() + first, end - first, width, dx.floats() + first * width);
    });
  }
};

struct LayerNormGainGrad {
  explicit LayerNormGainGrad(const Attributes&) {}

  void compute(const Context& context) const {
    const Tensor dy = context.input(0), x = context.input(1), mean = context.input(2), rstd = context.input(3);
    const int64_t rows = x.rows(), width = x.columns();
    require(dy.size() == x.size() && mean.size() == rows && rstd.size() == rows,
            "the inputs do not belong to one layer norm of x " + text_of(x.shape()));
    const Tensor dgain = context.output(0, {width});
    const auto gradient = CAPTRAIN_BEST(layer_norm_gain_gradient);
    sum_of_blocks(rows, width, dgain.floats(), [&](int64_t first, int64_t end, float* part) {
      gradient(dy.floats() + first * width, x.floats() + first * width, mean.floats() + first, rstd.floats() + first,
               end - first, width, part);
    });
  }
};

}  // namespace

void register_layer_norm() {
  register_op("CaptrainLayerNorm", {"epsilon: float"}, {"x: float", "gain: float", "bias: float"},
              {"y: float", "mean: float", "rstd: float"});
  register_op("CaptrainLayerNormGrad", {}, {"dy: float", "x: float", "gain: float", "mean: float", "rstd: float"},
              {"dx: float"});
  register_op("CaptrainLayerNormGainGrad", {}, {"dy: float", "x: float", "mean: float", "rstd: float"},
              {"dgain: float"});
  register_cpu_kernel<LayerNorm>("CaptrainLayerNorm");
  register_cpu_kernel<LayerNormGrad>("CaptrainLayerNormGrad");
  register_cpu_kernel<LayerNormGainGrad>("CaptrainLayerNormGainGrad");
}

}  // namespace captrain
