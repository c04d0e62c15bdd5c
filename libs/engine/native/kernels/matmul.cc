// CaptrainMatMul: a [M, K], b [K, N] and no or one bias [N] → a · b + bias [M, N], all float32; a is [K, M] with
// transpose_a, b is [N, K] with transpose_b. With precision "bfloat16" both factors are rounded to it. See product.h for
// the order in which it is added up.

#include <vector>

#include "instruction_set.h"
#include "op.h"
#include "product.h"
#include "register.h"

namespace captrain {
namespace {

using Product = decltype(&product_float32);

Product product_of(const std::string& precision) {
  if (precision == "float32") return product_float32;
  if (precision == "bfloat16") {
    require(instruction_set() >= InstructionSet::avx512_bf16, "this processor has no arithmetic for bfloat16");
    return product_bfloat16;
  }
  throw BadArgument("there is no product in " + precision);
}

struct MatMul {
  explicit MatMul(const Attributes& attributes)
      : product(product_of(attributes.text("precision"))),
        transpose_a(attributes.boolean("transpose_a")),
        transpose_b(attributes.boolean("transpose_b")) {}

  void compute(const Context& context) const {
    const Tensor a = context.input(0), b = context.input(1);
    const std::string shapes = "a " + text_of(a.shape()) + (transpose_a ? " (transposed)" : "") + " and b " +
                               text_of(b.shape()) + (transpose_b ? " (transposed)" : "");
    require(a.rank() == 2 && b.rank() == 2, "a product needs two matrices, not " + shapes);
    const int64_t rows = a.dim(transpose_a ? 1 : 0), depth = a.dim(transpose_a ? 0 : 1);
    const int64_t columns = b.dim(transpose_b ? 0 : 1);
    require(depth == b.dim(transpose_b ? 1 : 0), "there is no product of " + shapes);
    require(depth > 0 && rows > 0 && columns > 0, "a product needs values: " + shapes);
    require(context.inputs() <= 3, "a product takes one bias at most");
    const float* added = nullptr;
    std::vector<Tensor> bias;
    if (context.inputs() == 3) {
      bias.push_back(context.input(2));
      require(bias[0].rank() == 1 && bias[0].size() == columns,
              "the bias " + text_of(bias[0].shape()) + " does not fit the product of " + shapes);
      added = bias[0].floats();
    }
    const Tensor c = context.output(0, {rows, columns});
    product({a.floats(), !transpose_a, rows, depth}, {b.floats(), transpose_b, columns, depth}, added, c.floats());
  }

  const Product product;
  const bool transpose_a;
  const bool transpose_b;
};

}  // namespace

void register_matmul() {
  register_op("CaptrainMatMul", {"precision: string", "transpose_a: bool = false", "transpose_b: bool = false", "B: int >= 0 = 0"},
              {"a: float", "b: float", "bias: B * float"}, {"c: float"});
  register_cpu_kernel<MatMul>("CaptrainMatMul");
}

}  // namespace captrain
