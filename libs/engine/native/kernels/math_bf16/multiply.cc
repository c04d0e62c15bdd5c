#include "multiply.h"

#include <immintrin.h>

namespace captrain {
namespace avx512_bf16 {
namespace {

constexpr int kVectors = kColumns / 16;

// Pairs of depths that are multiplied before the next panel of a: this part of the panel of b (36 KiB) and of one panel
// of a (6 KiB) stay in the first-level cache.
constexpr int64_t kPairs = 192;

inline __m512bh words(const void* at) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(at)); }

inline __m512bh spread(const uint32_t* at) {
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(*at)));
}

// One whole tile.
inline void multiply_tile(const uint32_t* a, const uint32_t* b, int64_t pairs, float* c, int64_t stride, bool add,
                          const float* bias) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int64_t i = 0; i < kRows; ++i)
#pragma GCC unroll 3
    for (int64_t j = 0; j < kVectors; ++j) {
      _mm_prefetch(reinterpret_cast<const char*>(c + i * stride + 16 * j), _MM_HINT_T0);
      sums[i][j] = _mm512_setzero_ps();
    }
  if (add) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < kRows; ++i)
#pragma GCC unroll 3
      for (int64_t j = 0; j < kVectors; ++j) sums[i][j] = _mm512_loadu_ps(c + i * stride + 16 * j);
  }
#pragma GCC unroll 2
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const __m512bh right[kVectors] = {words(b), words(b + 16), words(b + 32)};
#pragma GCC unroll 8
    for (int64_t i = 0; i < kRows; ++i) {
      const __m512bh left = spread(a + i);
#pragma GCC unroll 3
      for (int64_t j = 0; j < kVectors; ++j) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], left, right[j]);
    }
    a += kRows;
    b += kColumns;
  }
  if (bias != nullptr) {
#pragma GCC unroll 3
    for (int64_t j = 0; j < kVectors; ++j) {
      const __m512 extra = _mm512_loadu_ps(bias + 16 * j);
#pragma GCC unroll 8
      for (int64_t i = 0; i < kRows; ++i) sums[i][j] = _mm512_add_ps(sums[i][j], extra);
    }
  }
#pragma GCC unroll 8
  for (int64_t i = 0; i < kRows; ++i)
#pragma GCC unroll 3
    for (int64_t j = 0; j < kVectors; ++j) _mm512_storeu_ps(c + i * stride + 16 * j, sums[i][j]);
}

// A tile that c or the bias does not have all of, by way of a whole one.
void multiply_part_of_tile(const uint32_t* a, const uint32_t* b, int64_t pairs, float* c, int64_t stride, int64_t rows,
                           int64_t columns, bool add, const float* bias) {
  alignas(64) float tile[kRows * kColumns] = {};
  alignas(64) float extra[kColumns] = {};
  if (add)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) tile[i * kColumns + j] = c[i * stride + j];
  if (bias != nullptr)
    for (int64_t j = 0; j < columns; ++j) extra[j] = bias[j];
  multiply_tile(a, b, pairs, tile, kColumns, add, bias == nullptr ? nullptr : extra);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) c[i * stride + j] = tile[i * kColumns + j];
}

}  // namespace

void multiply(const Block& block) {
  for (int64_t first = 0; first < block.pairs; first += kPairs) {
    const bool last = first + kPairs >= block.pairs;
    const int64_t pairs = last ? block.pairs - first : kPairs;
    const bool add = block.add || first > 0;
    const float* bias = last ? block.bias : nullptr;
    const uint32_t* b = block.b + first * kColumns;
    for (int64_t row = 0; row < block.rows; row += kRows) {
      const uint32_t* a = block.a + row / kRows * block.a_panel + first * kRows;
      float* c = block.c + row * block.stride;
      if (block.rows - row >= kRows && block.columns == kColumns)
        multiply_tile(a, b, pairs, c, block.stride, add, bias);
      else
        multiply_part_of_tile(a, b, pairs, c, block.stride, block.rows - row < kRows ? block.rows - row : kRows,
                              block.columns, add, bias);
    }
  }
}

}  // namespace avx512_bf16
}  // namespace captrain
