#ifndef CAPTRAIN_KERNELS_PRODUCT_MULTIPLY_H_
#define CAPTRAIN_KERNELS_PRODUCT_MULTIPLY_H_

#include <immintrin.h>

#include "format.h"

namespace captrain {

// Format::multiply for words that Words multiplies.
template <class Words>
class Multiplication {
 public:
  static void multiply(const Block& block, Ahead& ahead) {
    for (int64_t row = 0; row < block.rows; row += kRows) {
      const uint32_t* a = block.a + row / kRows * block.a_panel;
      if (block.rows - row >= kRows && block.columns == kColumns)
        whole_tile(block, a, block.c + row * block.stride, block.stride, block.bias, ahead);
      else
        part_of_tile(block, a, row, ahead);
    }
  }

 private:
  static constexpr int kVectors = kColumns / 16;

  static void whole_tile(const Block& block, const uint32_t* a, float* c, int64_t stride, const float* bias,
                         Ahead& ahead) {
    __m512 sums[kRows][kVectors];
#pragma GCC unroll 8
    for (int64_t i = 0; i < kRows; ++i)
#pragma GCC unroll 3
      for (int64_t j = 0; j < kVectors; ++j) {
        _mm_prefetch(reinterpret_cast<const char*>(c + i * stride + 16 * j), _MM_HINT_T0);
        sums[i][j] = _mm512_setzero_ps();
      }
    if (block.add) {
#pragma GCC unroll 8
      for (int64_t i = 0; i < kRows; ++i)
#pragma GCC unroll 3
        for (int64_t j = 0; j < kVectors; ++j) sums[i][j] = _mm512_loadu_ps(c + i * stride + 16 * j);
    }
    const uint32_t* b = block.b;
    for (int64_t word = 0; word < block.words;) {
      if (ahead.count > 0) fetch(ahead);
      const int64_t end = word + kWordsOfFetch < block.words ? word + kWordsOfFetch : block.words;
#pragma GCC unroll 2
      for (; word < end; ++word) {
        const __m512i right[kVectors] = {_mm512_loadu_si512(b), _mm512_loadu_si512(b + 16), _mm512_loadu_si512(b + 32)};
#pragma GCC unroll 8
        for (int64_t i = 0; i < kRows; ++i) {
          const __m512i left = _mm512_set1_epi32(static_cast<int>(a[i]));
#pragma GCC unroll 3
          for (int64_t j = 0; j < kVectors; ++j) sums[i][j] = Words::multiply_add(left, right[j], sums[i][j]);
        }
        a += kRows;
        b += kColumns;
      }
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
  static void part_of_tile(const Block& block, const uint32_t* a, int64_t row, Ahead& ahead) {
    float* c = block.c + row * block.stride;
    const int64_t rows = block.rows - row < kRows ? block.rows - row : kRows;
    alignas(64) float tile[kRows * kColumns] = {};
    alignas(64) float extra[kColumns] = {};
    if (block.add)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < block.columns; ++j) tile[i * kColumns + j] = c[i * block.stride + j];
    if (block.bias != nullptr)
      for (int64_t j = 0; j < block.columns; ++j) extra[j] = block.bias[j];
    whole_tile(block, a, tile, kColumns, block.bias == nullptr ? nullptr : extra, ahead);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < block.columns; ++j) c[i * block.stride + j] = tile[i * kColumns + j];
  }

  static void fetch(Ahead& ahead) {
    _mm_prefetch(ahead.at, _MM_HINT_T1);
    --ahead.count;
    if (--ahead.left > 0) {
      ahead.at += 64;
    } else {
      ahead.at += ahead.stride - 64 * (ahead.run - 1);
      ahead.left = ahead.run;
    }
  }
};

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_PRODUCT_MULTIPLY_H_
