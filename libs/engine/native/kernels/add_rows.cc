// CaptrainAddRows: table [V, D], indices [M], rows [M, D] → the table with each row added at its index, one after the
// other; in the table's own buffer where nobody else needs it.

#include <cstring>

#include "op.h"
#include "register.h"

namespace captrain {
namespace {

struct AddRows {
  explicit AddRows(const Attributes&) {}

  void compute(const Context& context) const {
    const Tensor sum = context.output_in_place_of(0, 0);
    const Tensor table = context.input(0), indices = context.input(1), rows = context.input(2);
    const int64_t width = table.columns(), count = indices.size();
    require(table.rank() == 2 && rows.rank() == 2 && rows.dim(0) == count && rows.dim(1) == width,
            "rows " + text_of(rows.shape()) + " of " + std::to_string(count) + " indices do not fit the table " +
                text_of(table.shape()));
    for (int64_t i = 0; i < count; ++i)
      require(indices.ints()[i] >= 0 && indices.ints()[i] < table.dim(0),
              "index " + std::to_string(indices.ints()[i]) + " is none of " + std::to_string(table.dim(0)));
    if (sum.floats() != table.floats())
      std::memcpy(sum.floats(), table.floats(), static_cast<size_t>(table.size()) * sizeof(float));
    for (int64_t i = 0; i < count; ++i) {
      float* target = sum.floats() + indices.ints()[i] * width;
      const float* row = rows.floats() + i * width;
      for (int64_t column = 0; column < width; ++column) target[column] += row[column];
    }
  }
};

}  // namespace

void register_add_rows() {
  register_op("CaptrainAddRows", {}, {"table: float", "indices: int32", "rows: float"}, {"sum: float"});
  register_cpu_kernel<AddRows>("CaptrainAddRows");
}

}  // namespace captrain
