// CaptrainActivation: y = f(x) for the activations of Transformers by name. CaptrainActivationGrad: dx = dy · f′(x), in
// the buffer of dy where nobody else needs that; x alone is kept for it.

#include "math/activation.h"

#include "op.h"
#include "register.h"
#include "thread_pool.h"

namespace captrain {
namespace {

constexpr int64_t kBlock = 1 << 14;

Activation kind_of(const Attributes& attributes) {
  static const struct {
    const char* name;
    Activation kind;
  } kinds[] = {{"relu", Activation::relu},         {"tanh", Activation::tanh},
               {"sigmoid", Activation::sigmoid},   {"gelu", Activation::gelu},
               {"gelu_new", Activation::gelu_new}, {"quick_gelu", Activation::quick_gelu},
               {"silu", Activation::silu}};
  const std::string wanted = attributes.text("kind");
  for (const auto& [name, kind] : kinds)
    if (wanted == name) return kind;
  throw BadArgument("there is no activation " + wanted);
}

struct Apply {
  explicit Apply(const Attributes& attributes) : kind(kind_of(attributes)) {}

  void compute(const Context& context) const {
    const Tensor x = context.input(0);
    const Tensor y = context.output(0, x.shape());
    const auto apply = CAPTRAIN_BEST(activation);
    parallel_blocks(x.size(), kBlock, [&](int64_t first, int64_t end) {
      apply(kind, x.floats() + first, end - first, y.floats() + first);
    });
  }

  const Activation kind;
};

struct Gradient {
  explicit Gradient(const Attributes& attributes) : kind(kind_of(attributes)) {}

  void compute(const Context& context) const {
    const Tensor dx = context.output_in_place_of(0, 0);
    const Tensor dy = context.input(0), x = context.input(1);
    require(dy.size() == x.size(),
            "dy " + text_of(dy.shape()) + " does not belong to x " + text_of(x.shape()));
    const auto gradient = CAPTRAIN_BEST(activation_gradient);
    parallel_blocks(x.size(), kBlock, [&](int64_t first, int64_t end) {
      gradient(kind, dy.floats() + first, x.floats() + first, end - first, dx.floats() + first);
    });
  }

  const Activation kind;
};

}  // namespace

void register_activation() {
  register_op("CaptrainActivation", {"kind: string"}, {"x: float"}, {"y: float"});
  register_op("CaptrainActivationGrad", {"kind: string"}, {"dy: float", "x: float"}, {"dx: float"});
  register_cpu_kernel<Apply>("CaptrainActivation");
  register_cpu_kernel<Gradient>("CaptrainActivationGrad");
}

}  // namespace captrain
