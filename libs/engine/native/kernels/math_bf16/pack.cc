#include "pack.h"

#include <immintrin.h>

namespace captrain {
namespace avx512_bf16 {
namespace {

constexpr int64_t kChunk = 32;     // depths that one transposition takes: two vectors of floats, one of bfloat16
constexpr int64_t kChunks = 4;     // of them one after another in each line, before the next eight lines
constexpr int64_t kAhead = 128;    // floats to fetch ahead in each line
constexpr int64_t kRowsAhead = 4;  // or rows, where lines lie one after another: the processor foresees no such steps

inline __mmask16 mask_of(int64_t count) {
  return count >= 16 ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}

// low in the lower half.
inline __m512i round_to_bfloat16(__m512 low, __m512 high) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

inline void fetch(const float* at) { _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0); }

inline void store(uint32_t* out, __m512i both, int64_t apart) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(both));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + apart), _mm512_extracti64x4_epi64(both, 1));
}

// Turns 8 lines of 16 pairs into 16 rows of 8 words, `width` words apart.
inline void transpose(const __m512i (&lines)[8], int64_t width, uint32_t* out) {
  __m512i twos[8];
  for (int i = 0; i < 8; i += 2) {
    twos[i] = _mm512_unpacklo_epi32(lines[i], lines[i + 1]);
    twos[i + 1] = _mm512_unpackhi_epi32(lines[i], lines[i + 1]);
  }
  // Four lines of the pairs j, 4 + j, 8 + j and 12 + j.
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

// 8 lines (fewer: the others are zero) by 32 depths.
inline void pack_full_chunk(const float* in, int64_t stride, int64_t width, uint32_t* out) {
  __m512i lines[8];
  for (int64_t i = 0; i < 8; ++i) {
    const float* line = in + i * stride;
    fetch(line + kAhead);
    fetch(line + kAhead + 16);
    lines[i] = round_to_bfloat16(_mm512_loadu_ps(line), _mm512_loadu_ps(line + 16));
  }
  transpose(lines, width, out);
}

void pack_part_of_chunk(const float* in, int64_t stride, int64_t count, int64_t depth, int64_t width, uint32_t* out) {
  __m512i lines[8];
  for (int64_t i = 0; i < 8; ++i) {
    const float* line = in + (i < count ? i : 0) * stride;
    const int64_t values = i < count ? depth : 0;
    const __m512 low = _mm512_maskz_loadu_ps(mask_of(values), line);
    const __m512 high = values > 16 ? _mm512_maskz_loadu_ps(mask_of(values - 16), line + 16) : _mm512_setzero_ps();
    lines[i] = round_to_bfloat16(low, high);
  }
  alignas(64) uint32_t rows[16 * 8];
  transpose(lines, 8, rows);
  for (int64_t pair = 0; pair < (depth + 1) / 2 && pair < 16; ++pair)
    for (int64_t i = 0; i < 8; ++i) out[pair * width + i] = rows[pair * 8 + i];
}

// Puts the words of two depths side by side: pairs of lines l … l + 15.
inline __m512i interleave(__m512 even, __m512 odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, round_to_bfloat16(even, odd));
}

// The pair of depths 2p and 2p + 1 of 16 lines (fewer: the others are zero).
inline __m512i load_pair(const float* in, int64_t stride, int64_t count, bool odd) {
  fetch(in + kRowsAhead * stride);
  fetch(in + (kRowsAhead + 1) * stride);
  const __mmask16 mask = mask_of(count);
  const __m512 second = odd ? _mm512_maskz_loadu_ps(mask, in + stride) : _mm512_setzero_ps();
  return interleave(_mm512_maskz_loadu_ps(mask, in), second);
}

void pack_depths_wide(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                      uint32_t* out) {
  for (int64_t k = 0; k < depth; k += 2) {
    const float* row = in + k * stride;
    for (int64_t line = 0; line < lines; line += width) {
      uint32_t* to = out + line / width * panel + k / 2 * width;
      for (int64_t i = 0; i < width; i += 16) {
        const int64_t first = line + i;
        const __m512i pairs = first < lines ? load_pair(row + first, stride, lines - first, k + 1 < depth)
                                            : _mm512_setzero_si512();
        _mm512_store_si512(to + i, pairs);
      }
    }
  }
}

// Two panels of 8 lines and two pairs of depths at a time: whole cache lines.
void pack_depths_narrow(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t panel, uint32_t* out) {
  for (int64_t k = 0; k < depth; k += 4) {
    const float* row = in + k * stride;
    const bool second = k + 2 < depth;
    for (int64_t line = 0; line < lines; line += 16) {
      const int64_t count = lines - line;
      const __m512i now = load_pair(row + line, stride, count, k + 1 < depth);
      const __m512i next = second ? load_pair(row + 2 * stride + line, stride, count, k + 3 < depth)
                                  : _mm512_setzero_si512();
      uint32_t* to = out + line / 8 * panel + k / 2 * 8;
      _mm512_store_si512(to, _mm512_shuffle_i64x2(now, next, 0x44));
      if (count > 8) _mm512_store_si512(to + panel, _mm512_shuffle_i64x2(now, next, 0xee));
    }
  }
}

}  // namespace

void pack_lines(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                uint32_t* out) {
  for (int64_t first = 0; first < lines; first += width) {
    uint32_t* to = out + first / width * panel;
    for (int64_t k = 0; k < depth; k += kChunks * kChunk) {
      for (int64_t line = 0; line < width; line += 8) {
        const float* from = in + (first + line) * stride;
        const int64_t count = lines - first - line;
        const int64_t end = k + kChunks * kChunk < depth ? k + kChunks * kChunk : depth;
        for (int64_t chunk = k; chunk < end; chunk += kChunk) {
          uint32_t* at = to + chunk / 2 * width + line;
          if (count >= 8 && depth - chunk >= kChunk)
            pack_full_chunk(from + chunk, stride, width, at);
          else
            pack_part_of_chunk(count > 0 ? from + chunk : in, stride, count, depth - chunk, width, at);
        }
      }
    }
  }
}

void pack_depths(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                 uint32_t* out) {
  if (width == 8)
    pack_depths_narrow(in, stride, lines, depth, panel, out);
  else
    pack_depths_wide(in, stride, lines, depth, width, panel, out);
}

}  // namespace avx512_bf16
}  // namespace captrain
