// CaptrainLayerNorm: x […, D], gain [D], bias [D] → y […, D], and mean and 1/deviation of each row for the gradient.
// CaptrainLayerNormGrad: dy, x, gain, mean, rstd → dx, dgain, dbias.

#include "math/layer_norm.h"

#include <vector>

#include "op.h"
#include "register.h"
#include "thread_pool.h"

namespace captrain {
namespace {

// Rows of a task: its parts of dgain and dbias are added up in the order of the blocks, whoever computed them.
constexpr int64_t kBlock = 32;

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
    const Tensor dy = context.input(0), x = context.input(1), gain = context.input(2);
    const Tensor mean = context.input(3), rstd = context.input(4);
    const int64_t rows = x.rows(), width = x.columns();
    require(dy.size() == x.size() && gain.size() == width && mean.size() == rows && rstd.size() == rows,
            "the inputs do not belong to one layer norm of x " + text_of(x.shape()));
    const Tensor dx = context.output(0, x.shape());
    const Tensor dgain = context.output(1, {width}), dbias = context.output(2, {width});
    const int64_t blocks = (rows + kBlock - 1) / kBlock;
    std::vector<float> parts(static_cast<size_t>(blocks * 2 * width));
    const auto gradient = CAPTRAIN_BEST(layer_norm_gradient);
    parallel_blocks(rows, kBlock, [&](int64_t first, int64_t end) {
      float* part = parts.data() + first / kBlock * 2 * width;
      gradient(dy.floats() + first * width, x.floats() + first * width, gain.floats(), mean.floats() + first,
               rstd.floats() + first, end - first, width, dx.floats() + first * width, part, part + width);
    });
    for (int64_t i = 0; i < width; ++i) dgain.floats()[i] = dbias.floats()[i] = 0;
    for (int64_t block = 0; block < blocks; ++block) {
      const float* part = parts.data() + block * 2 * width;
      for (int64_t i = 0; i < width; ++i) dgain.floats()[i] += part[i];
      for (int64_t i = 0; i < width; ++i) dbias.floats()[i] += part[width + i];
    }
  }
};

}  // namespace

void register_layer_norm() {
  register_op("CaptrainLayerNorm", {"epsilon: float"}, {"x: float", "gain: float", "bias: float"},
              {"y: float", "mean: float", "rstd: float"});
  register_op("CaptrainLayerNormGrad", {}, {"dy: float", "x: float", "gain: float", "mean: float", "rstd: float"},
              {"dx: float", "dgain: float", "dbias: float"});
  register_cpu_kernel<LayerNorm>("CaptrainLayerNorm");
  register_cpu_kernel<LayerNormGrad>("CaptrainLayerNormGrad");
}

}  // namespace captrain
