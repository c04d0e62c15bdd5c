// CaptrainCopyOut: the values of a list of tensors, one behind the other, to an array in the host's memory (`address`),
// which must have room for exactly these.

#include "math/stream_copy.h"

#include "register.h"
#include "tensor_list.h"

namespace captrain {
namespace {

struct CopyOut {
  explicit CopyOut(const Attributes& attributes) : count(attributes.integer("N")) {}

  void compute(const Context& context) const {
    const std::vector<Tensor> tensors = input_list(context, 0, count);
    float* out = host_floats(context.input(static_cast<int>(count)), values_of(tensors));
    const auto copy = CAPTRAIN_BEST(stream_copy);
    parallel_pieces(tensors, [&](const Piece& piece) {
      copy(tensors[piece.tensor].floats() + piece.first, piece.count, out + piece.offset);
    });
  }

  const int64_t count;
};

}  // namespace

void register_copy_out() {
  register_op("CaptrainCopyOut", {"N: int >= 0"}, {"tensors: N * float", "address: int32"}, {}, /*stateful=*/true);
  register_cpu_kernel<CopyOut>("CaptrainCopyOut");
}

}  // namespace captrain
