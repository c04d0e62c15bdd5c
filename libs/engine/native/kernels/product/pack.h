#ifndef CAPTRAIN_KERNELS_PRODUCT_PACK_H_
#define CAPTRAIN_KERNELS_PRODUCT_PACK_H_

#include <immintrin.h>

#include "format.h"

namespace captrain {

// Format::pack_lines and pack_depths for words that Words reads.
template <class Words>
class Packing {
 public:
  static void pack_lines(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                         uint32_t* out) {
    for (int64_t first = 0; first < lines; first += width) {
      uint32_t* to = out + first / width * panel;
      for (int64_t k = 0; k < depth; k += kChunks * kChunk) {
        for (int64_t line = 0; line < width; line += 8) {
          const float* from = in + (first + line) * stride;
          const int64_t count = lines - first - line;
          const int64_t end = k + kChunks * kChunk < depth ? k + kChunks * kChunk : depth;
          for (int64_t chunk = k; chunk < end; chunk += kChunk) {
            uint32_t* at = to + chunk / Words::kDepths * width + line;
            if (count >= 8 && depth - chunk >= kChunk)
              whole_chunk(from + chunk, stride, width, at);
            else
              part_of_chunk(count > 0 ? from + chunk : in, stride, count, depth - chunk, width, at);
          }
        }
      }
    }
  }

  static void pack_depths(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                          uint32_t* out) {
    if (width == 8)
      narrow(in, stride, lines, depth, panel, out);
    else
      wide(in, stride, lines, depth, width, panel, out);
  }

 private:
  static constexpr int64_t kChunk = 16 * Words::kDepths;  // depths that one transposition takes
  static constexpr int64_t kChunks = 4;                   // of them one after another in a line, before the next eight lines
  static constexpr int64_t kAhead = 128;                  // floats to fetch ahead in each line
  // Or words, where lines lie one after another: the processor foresees no such steps.
  static constexpr int64_t kWordsAhead = 2;

  static __mmask16 mask_of(int64_t count) {
    return count >= 16 ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
  }

  static void fetch(const float* at) { _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0); }

  static void store(uint32_t* out, __m512i both, int64_t apart) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(both));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + apart), _mm512_extracti64x4_epi64(both, 1));
  }

  // Turns 8 lines of 16 words into 16 rows of 8 words, `width` words apart.
  static void transpose(const __m512i (&lines)[8], int64_t width, uint32_t* out) {
    __m512i twos[8];
    for (int i = 0; i < 8; i += 2) {
      twos[i] = _mm512_unpacklo_epi32(lines[i], lines[i + 1]);
      twos[i + 1] = _mm512_unpackhi_epi32(lines[i], lines[i + 1]);
    }
    // Four lines of the words j, 4 + j, 8 + j and 12 + j.
    __m512i fours[2][4];
    for (int half = 0; half < 2; ++half) {
      const __m512i* two = twos + 4 * half;
      fours[half][0] = _mm512_unpacklo_epi64(two[0], two[2]);
      fours[half][1] = _mm512_unpackhi_epi64(two[0], two[2]);
      fours[half][2] = _mm512_unpacklo_epi64(two[1], two[3]);
      fours[half][3] = _mm512_unpackhi_epi64(two[1], two[3]);
    }
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (int64_t j = 0; j < 4; ++j) {
      store(out + j * width, _mm512_permutex2var_epi64(fours[0][j], low, fours[1][j]), 4 * width);
      store(out + (8 + j) * width, _mm512_permutex2var_epi64(fours[0][j], high, fours[1][j]), 4 * width);
    }
  }

  // 8 lines of kChunk depths.
  static void whole_chunk(const float* in, int64_t stride, int64_t width, uint32_t* out) {
    __m512i lines[8];
    for (int64_t i = 0; i < 8; ++i) {
      const float* line = in + i * stride;
      for (int64_t ahead = 0; ahead < kChunk; ahead += 16) fetch(line + kAhead + ahead);
      lines[i] = Words::of_line(line);
    }
    transpose(lines, width, out);
  }

  // Of fewer lines or depths; the others are zero.
  static void part_of_chunk(const float* in, int64_t stride, int64_t count, int64_t depth, int64_t width,
                            uint32_t* out) {
    __m512i lines[8];
    for (int64_t i = 0; i < 8; ++i) {
      alignas(64) float line[kChunk] = {};
      if (i < count)
        for (int64_t k = 0; k < kChunk && k < depth; ++k) line[k] = in[i * stride + k];
      lines[i] = Words::of_line(line);
    }
    alignas(64) uint32_t rows[16 * 8];
    transpose(lines, 8, rows);
    for (int64_t word = 0; word * Words::kDepths < depth && word < 16; ++word)
      for (int64_t i = 0; i < 8; ++i) out[word * width + i] = rows[word * 8 + i];
  }

  // The words of 16 lines (fewer: the others are zero) that begin at a row of depths, of which `depth` are left.
  static __m512i load(const float* in, int64_t stride, int64_t count, int64_t depth) {
    for (int64_t k = 0; k < Words::kDepths; ++k) fetch(in + (kWordsAhead * Words::kDepths + k) * stride);
    return Words::of_depths(in, stride, mask_of(count), depth);
  }

  static void wide(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                   uint32_t* out) {
    for (int64_t k = 0; k < depth; k += Words::kDepths) {
      const float* row = in + k * stride;
      for (int64_t line = 0; line < lines; line += width) {
        uint32_t* to = out + line / width * panel + k / Words::kDepths * width;
        for (int64_t i = 0; i < width; i += 16) {
          const int64_t first = line + i;
          const __m512i words = first < lines ? load(row + first, stride, lines - first, depth - k)
                                              : _mm512_setzero_si512();
          _mm512_store_si512(to + i, words);
        }
      }
    }
  }

  // Two panels of 8 lines and two words of depths at a time: whole cache lines.
  static void narrow(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t panel, uint32_t* out) {
    for (int64_t k = 0; k < depth; k += 2 * Words::kDepths) {
      const float* row = in + k * stride;
      const int64_t left = depth - k - Words::kDepths;
      for (int64_t line = 0; line < lines; line += 16) {
        const int64_t count = lines - line;
        const __m512i now = load(row + line, stride, count, depth - k);
        const __m512i next = left > 0 ? load(row + Words::kDepths * stride + line, stride, count, left)
                                      : _mm512_setzero_si512();
        uint32_t* to = out + line / 8 * panel + k / Words::kDepths * 8;
        _mm512_store_si512(to, _mm512_shuffle_i64x2(now, next, 0x44));
        if (count > 8) _mm512_store_si512(to + panel, _mm512_shuffle_i64x2(now, next, 0xee));
      }
    }
  }
};

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_PRODUCT_PACK_H_
