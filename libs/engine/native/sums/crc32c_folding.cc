// CRC-32C by multiplications without carry, 256 bytes at a time (V. Gopal et al. 2009, "Fast CRC computation for generic
// polynomials using PCLMULQDQ instruction"): twice to four times as fast as the processor's own instruction.

#include <immintrin.h>

#include "crc32c_variants.h"

namespace captrain {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kLines = 4;
constexpr size_t kStride = kLines * kLine;

// What the two halves of 16 bytes are multiplied by to move them kBytes ahead: the first stands 64 places higher, and
// the product of what has 64 and 32 places stands 33 places too high.
template <size_t kBytes>
inline __m128i factors() {
  constexpr uint32_t first = crc32c_power_of_x(8 * kBytes + 31);
  constexpr uint32_t second = crc32c_power_of_x(8 * kBytes - 33);
  return _mm_setr_epi32(static_cast<int>(first), 0, static_cast<int>(second), 0);
}

// The bytes of `line`, moved kBytes ahead onto those of `onto`.
template <size_t kBytes>
inline __m512i fold(__m512i line, __m512i onto) {
  const __m512i by = _mm512_broadcast_i32x4(factors<kBytes>());
  const __m512i first = _mm512_clmulepi64_epi128(line, by, 0x00);
  const __m512i second = _mm512_clmulepi64_epi128(line, by, 0x11);
  return _mm512_ternarylogic_epi64(first, second, onto, 0x96);
}

inline __m128i fold(__m128i line, __m128i onto) {
  const __m128i by = factors<16>();
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(line, by, 0x00), _mm_clmulepi64_si128(line, by, 0x11)), onto);
}

}  // namespace

uint32_t crc32c_by_folding(uint32_t state, const uint8_t* bytes, size_t count) {
  if (count < kStride) return crc32c_by_instruction(state, bytes, count);
  __m512i lines[kLines];
  for (size_t i = 0; i < kLines; ++i) lines[i] = _mm512_loadu_si512(bytes + i * kLine);
  lines[0] = _mm512_xor_si512(lines[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state))));
  for (bytes += kStride, count -= kStride; count >= kStride; bytes += kStride, count -= kStride) {
    for (size_t i = 0; i < kLines; ++i)
      lines[i] = fold<kStride>(lines[i], _mm512_loadu_si512(bytes + i * kLine));
  }

  __m512i line = lines[0];
  for (size_t i = 1; i < kLines; ++i) line = fold<kLine>(line, lines[i]);
  for (; count >= kLine; bytes += kLine, count -= kLine) line = fold<kLine>(line, _mm512_loadu_si512(bytes));

  __m128i rest = _mm512_castsi512_si128(line);
  rest = fold(rest, _mm512_extracti32x4_epi32(line, 1));
  rest = fold(rest, _mm512_extracti32x4_epi32(line, 2));
  rest = fold(rest, _mm512_extracti32x4_epi32(line, 3));
  uint64_t remainder = _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(rest)));
  remainder = _mm_crc32_u64(remainder, static_cast<uint64_t>(_mm_extract_epi64(rest, 1)));
  return crc32c_by_instruction(static_cast<uint32_t>(remainder), bytes, count);
}

}  // namespace captrain
