// CaptrainHoldForCopy: hands the buffers of a list of tensors to a copy in the background (`copy`: where that object
// lies, an int32 tensor of low and high), which holds them on.

#include "../background_copy.h"
#include "register.h"
#include "tensor_list.h"

namespace captrain {
namespace {

struct HoldForCopy {
  explicit HoldForCopy(const Attributes& attributes) : count(attributes.integer("N")) {}

  void compute(const Context& context) const {
    std::vector<Tensor> tensors = input_list(context, 0, count);
    const Tensor copy = context.input(static_cast<int>(count));
    require(copy.size() == 2, "an address has two int32 values, not " + std::to_string(copy.size()));
    reinterpret_cast<BackgroundCopy*>(from_halves(copy.ints()))->hold(std::move(tensors));
  }

  const int64_t count;
};

}  // namespace

void register_hold_for_copy() {
  register_op("CaptrainHoldForCopy", {"N: int >= 0"}, {"tensors: N * float", "copy: int32"}, {}, /*stateful=*/true);
  register_cpu_kernel<HoldForCopy>("CaptrainHoldForCopy");
}

}  // namespace captrain
