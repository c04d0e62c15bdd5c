// CaptrainAccumulate: sums += parts for two lists of tensors, in place: it writes to `sums`, whose buffers must be nobody
// else's. Subnormal values are kept, as everywhere where gradients are summed (keep_subnormals.h).

#include "math/accumulate.h"

#include "../keep_subnormals.h"
#include "register.h"
#include "tensor_list.h"

namespace captrain {
namespace {

struct Accumulate {
  explicit Accumulate(const Attributes& attributes) : count(attributes.integer("N")) {}

  void compute(const Context& context) const {
    const std::vector<Tensor> sums = input_list(context, 0, count);
    const std::vector<Tensor> parts = input_list(context, count, count);
    for (size_t i = 0; i < sums.size(); ++i)
      require(sums[i].size() == parts[i].size(), "part " + std::to_string(i) + " has " +
                                                     std::to_string(parts[i].size()) + " values for a sum of " +
                                                     std::to_string(sums[i].size()));
    const auto add = CAPTRAIN_BEST(accumulate);
    parallel_pieces(sums, [&](const Piece& piece) {
      const KeepSubnormals keep;
      add(parts[piece.tensor].floats() + piece.first, piece.count, sums[piece.tensor].floats() + piece.first);
    });
  }

  const int64_t count;
};

}  // namespace

void register_accumulate() {
  register_op("CaptrainAccumulate", {"N: int >= 0"}, {"sums: N * float", "parts: N * float"}, {}, /*stateful=*/true);
  register_cpu_kernel<Accumulate>("CaptrainAccumulate");
}

}  // namespace captrain
