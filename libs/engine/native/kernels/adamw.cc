// CaptrainAdamW: one update of AdamW, in place: it writes to `parameters`, `means` and `squares`, whose buffers must
// be nobody else's. The gradient comes as one tensor for each parameter (M = N), as one flat tensor (M = 1), or lies in
// the host's memory (M = 0, `address`; else that is not looked at). What changes with every step is in the tensor
// `hyper`, not in attributes: a kernel is made for each set of attributes.

#include "math/adamw.h"

#include "register.h"
#include "tensor_list.h"

namespace captrain {
namespace {

struct AdamW {
  explicit AdamW(const Attributes& attributes) : count(attributes.integer("N")), gradients(attributes.integer("M")) {}

  void compute(const Context& context) const {
    const std::vector<Tensor> parameters = input_list(context, 0, count);
    const std::vector<Tensor> means = input_list(context, count, count);
    const std::vector<Tensor> squares = input_list(context, 2 * count, count);
    const std::vector<Tensor> given = input_list(context, 3 * count, gradients);
    const Tensor hyper = context.input(static_cast<int>(3 * count + gradients));
    const Tensor address = context.input(static_cast<int>(3 * count + gradients + 1));
    require(hyper.size() == sizeof(AdamWHyper) / sizeof(float),
            "hyper has eight values, not " + std::to_string(hyper.size()));
    for (size_t i = 0; i < parameters.size(); ++i)
      require(means[i].size() == parameters[i].size() && squares[i].size() == parameters[i].size(),
              "mean or square " + std::to_string(i) + " has another size than the parameter");
    // With one parameter, one flat gradient and one for each are the same.
    const bool separate = gradients == count;
    const float* flat = separate ? nullptr : flat_gradient(given, address, values_of(parameters));
    if (separate)
      for (size_t i = 0; i < parameters.size(); ++i)
        require(given[i].size() == parameters[i].size(),
                "gradient " + std::to_string(i) + " has " + std::to_string(given[i].size()) + " values for " +
                    std::to_string(parameters[i].size()) + " parameters");
    const AdamWHyper values = *reinterpret_cast<const AdamWHyper*>(hyper.floats());
    const auto update = CAPTRAIN_BEST(adamw);
    parallel_pieces(parameters, [&](const Piece& piece) {
      const float* gradient = separate ? given[piece.tensor].floats() + piece.first : flat + piece.offset;
      update(values, gradient, piece.count, parameters[piece.tensor].floats() + piece.first,
             means[piece.tensor].floats() + piece.first, squares[piece.tensor].floats() + piece.first);
    });
  }

  static const float* flat_gradient(const std::vector<Tensor>& given, const Tensor& address, int64_t size) {
    if (given.empty()) return host_floats(address, size);
    require(given.size() == 1, "there must be one gradient for each parameter, one for all, or none");
    require(given[0].size() == size, "a gradient of " + std::to_string(given[0].size()) + " values for " +
                                         std::to_string(size) + " parameters");
    return given[0].floats();
  }

  const int64_t count;
  const int64_t gradients;
};

}  // namespace

void register_adamw() {
  register_op("CaptrainAdamW", {"N: int >= 0", "M: int >= 0"},
              {"parameters: N * float", "means: N * float", "squares: N * float", "gradients: M * float",
               "hyper: float", "address: int32"},
              {}, /*stateful=*/true);
  register_cpu_kernel<AdamW>("CaptrainAdamW");
}

}  // namespace captrain
