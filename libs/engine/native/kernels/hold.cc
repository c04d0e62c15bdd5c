// CaptrainHold: hands the buffers of a list of tensors to work in the background (`held`: where its HeldTensors lies, an
// int32 tensor of low and high), which holds them on.

#include "../held_tensors.h"
#include "register.h"
#include "tensor_list.h"

namespace captrain {
namespace {

struct Hold {
  explicit Hold(const Attributes& attributes) : count(attributes.integer("N")) {}

  void compute(const Context& context) const {
    std::vector<Tensor> tensors = input_list(context, 0, count);
    const Tensor held = context.input(static_cast<int>(count));
    require(held.size() == 2, "an address has two int32 values, not " + std::to_string(held.size()));
    reinterpret_cast<HeldTensors*>(from_halves(held.ints()))->hold(std::move(tensors));
  }

  const int64_t count;
};

}  // namespace

void register_hold() {
  register_op("CaptrainHold", {"N: int >= 0"}, {"tensors: N * float", "held: int32"}, {}, /*stateful=*/true);
  register_cpu_kernel<Hold>("CaptrainHold");
}

}  // namespace captrain
