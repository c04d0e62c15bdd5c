// Sums over rows, for files in math/.

#ifndef CAPTRAIN_KERNELS_MATH_COLUMNS_H_
#define CAPTRAIN_KERNELS_MATH_COLUMNS_H_

#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {

// sums[i] = the sum over rows of value(row, i, lanes), a vector at column i: some rows at a time, so that they are read as
// streams and the sums seldom.
template <typename Value>
static inline void column_sums(int64_t rows, int64_t width, float* sums, Value value) {
  constexpr int64_t kRows = 4;
  for (int64_t i = 0; i < width; ++i) sums[i] = 0;
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows)
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE {
      const Floats front = value(row, i, lanes) + value(row + 1, i, lanes);
      const Floats back = value(row + 2, i, lanes) + value(row + 3, i, lanes);
      store_part(sums + i, load_part(sums + i, lanes) + (front + back), lanes);
    });
  for (; row < rows; ++row)
    each_vector(width, [&](int64_t i, int64_t lanes) CAPTRAIN_INLINE {
      store_part(sums + i, load_part(sums + i, lanes) + value(row, i, lanes), lanes);
    });
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_COLUMNS_H_
