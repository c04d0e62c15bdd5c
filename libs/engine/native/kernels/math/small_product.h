// Products of small matrices that lie in the caches.

#ifndef CAPTRAIN_KERNELS_MATH_SMALL_PRODUCT_H_
#define CAPTRAIN_KERNELS_MATH_SMALL_PRODUCT_H_

#include <immintrin.h>

#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Rows of scratch memory are padded to multiples of this many floats, a line of the cache, on every instruction set.
constexpr int64_t kLine = 16;

constexpr int64_t padded(int64_t count) { return (count + kLine - 1) / kLine * kLine; }

// The left matrix: its value in row i and column k is data[i · row + k · step], so that it may be a transposed one.
struct Left {
  const float* data;
  int64_t row;
  int64_t step;
};

// The right matrix, or the result: rows of values side by side, padded to whole lines.
template <typename Value>
struct Rows {
  Value* data;
  int64_t stride;
};

// A block of the result that is kept in registers while its products are summed up.
template <int kRows, int kVectors>
inline __attribute__((always_inline)) void product_block(Left a, const float* b, int64_t b_stride, float* c,
                                                         int64_t c_stride, int64_t depth, bool add) {
  Floats sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[i][v] = add ? load(c + i * c_stride + v * kLanes) : Floats{};
  for (int64_t k = 0; k < depth; ++k) {
    Floats right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) right[v] = load(b + k * b_stride + v * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const float left = a.data[i * a.row + k * a.step];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[i][v] += left * right[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(c + i * c_stride + v * kLanes, sums[i][v]);
}

constexpr int kBlockRows = 6;
// As many as fit into the registers beside the right matrix's.
constexpr int kBlockVectors = kLanes == 16 ? 4 : 2;

template <int kVectors>
inline void product_columns(Left a, const float* b, int64_t b_stride, float* c, int64_t c_stride, int64_t rows,
                            int64_t depth, bool add) {
  while (rows > 0) {
    // 7 rows are better cut into 4 and 3 than into 6 and 1.
    const int64_t block = rows > kBlockRows && rows < 2 * kBlockRows ? (rows + 1) / 2 : rows;
    switch (block) {
      case 1: product_block<1, kVectors>(a, b, b_stride, c, c_stride, depth, add); break;
      case 2: product_block<2, kVectors>(a, b, b_stride, c, c_stride, depth, add); break;
      case 3: product_block<3, kVectors>(a, b, b_stride, c, c_stride, depth, add); break;
      case 4: product_block<4, kVectors>(a, b, b_stride, c, c_stride, depth, add); break;
      case 5: product_block<5, kVectors>(a, b, b_stride, c, c_stride, depth, add); break;
      default: product_block<6, kVectors>(a, b, b_stride, c, c_stride, depth, add);
    }
    const int64_t done = block < kBlockRows ? block : kBlockRows;
    a.data += done * a.row;
    c += done * c_stride;
    rows -= done;
  }
}

// c = a · b, or c += a · b: `rows` × `depth` times `depth` × `columns`, the columns padded to whole lines in b and c. Each
// value is summed up in the order of k.
inline void multiply(Left a, Rows<const float> b, Rows<float> c, int64_t rows, int64_t columns, int64_t depth, bool add) {
  const int64_t end = padded(columns);
  int64_t column = 0;
  for (; column + kBlockVectors * kLanes <= end; column += kBlockVectors * kLanes)
    product_columns<kBlockVectors>(a, b.data + column, b.stride, c.data + column, c.stride, rows, depth, add);
  if (kBlockVectors == 4 && column + 2 * kLanes <= end) {
    product_columns<2>(a, b.data + column, b.stride, c.data + column, c.stride, rows, depth, add);
    column += 2 * kLanes;
  }
  for (; column < end; column += kLanes)
    product_columns<1>(a, b.data + column, b.stride, c.data + column, c.stride, rows, depth, add);
}

// Four rows of `width` values become columns `at`…`at + 3` of `to`; a missing row is a row of zeros.
inline void transpose_four(const float* const rows[4], int64_t width, float* to, int64_t stride) {
  int64_t i = 0;
  for (; i + 4 <= width; i += 4) {
    __m128 a = rows[0] ? _mm_loadu_ps(rows[0] + i) : _mm_setzero_ps();
    __m128 b = rows[1] ? _mm_loadu_ps(rows[1] + i) : _mm_setzero_ps();
    __m128 c = rows[2] ? _mm_loadu_ps(rows[2] + i) : _mm_setzero_ps();
    __m128 d = rows[3] ? _mm_loadu_ps(rows[3] + i) : _mm_setzero_ps();
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_store_ps(to + i * stride, a);
    _mm_store_ps(to + (i + 1) * stride, b);
    _mm_store_ps(to + (i + 2) * stride, c);
    _mm_store_ps(to + (i + 3) * stride, d);
  }
  for (; i < width; ++i)
    for (int64_t row = 0; row < 4; ++row) to[i * stride + row] = rows[row] ? rows[row][i] : 0.0f;
}

}  // namespace
}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_SMALL_PRODUCT_H_
