// CaptrainRowSum: x […, D] → the sum [D] of all its rows: the gradient of a bias.

#include "math/row_sum.h"

#include "op.h"
#include "register.h"
#include "sum_of_blocks.h"

namespace captrain {
namespace {

struct RowSum {
  explicit RowSum(const Attributes&) {}

  void compute(const Context& context) const {
    const Tensor x = context.input(0);
    const int64_t width = x.columns();
    const Tensor sum = context.output(0, {width});
    const auto add = CAPTRAIN_BEST(row_sum);
    sum_of_blocks(x.rows(), width, sum.floats(), [&](int64_t first, int64_t end, float* part) {
      add(x.floats() + first * width, end - first, width, part);
    });
  }
};

}  // namespace

void register_row_sum() {
  register_op("CaptrainRowSum", {}, {"x: float"}, {"sum: float"});
  register_cpu_kernel<RowSum>("CaptrainRowSum");
}

}  // namespace captrain
