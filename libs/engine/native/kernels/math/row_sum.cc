#include "row_sum.h"

#include "columns.h"

namespace captrain {
namespace CAPTRAIN_ISA {

void row_sum(const float* x, int64_t rows, int64_t width, float* sum) {
  column_sums(rows, width, sum, [&](int64_t row, int64_t i, int64_t lanes) CAPTRAIN_INLINE {
    return load_part(x + row * width + i, lanes);
  });
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
