#ifndef CAPTRAIN_SUMS_CRC32C_VARIANTS_H_
#define CAPTRAIN_SUMS_CRC32C_VARIANTS_H_

#include <cstddef>
#include <cstdint>

namespace captrain {

// Each goes on from a remainder by some more bytes.

// For processors with SSE4.2 and PCLMULQDQ.
uint32_t crc32c_by_instruction(uint32_t state, const uint8_t* bytes, size_t count);

// For processors with AVX-512 and VPCLMULQDQ.
uint32_t crc32c_by_folding(uint32_t state, const uint8_t* bytes, size_t count);

// A remainder times x, modulo Castagnoli's polynomial. The highest bit of a remainder is its term 1, the lowest x³¹.
static constexpr uint32_t crc32c_times_x(uint32_t remainder) {
  return remainder >> 1 ^ ((remainder & 1) != 0 ? 0x82f63b78u : 0);
}

static constexpr uint32_t crc32c_power_of_x(size_t exponent) {
  uint32_t remainder = 0x80000000;
  for (size_t i = 0; i < exponent; ++i) remainder = crc32c_times_x(remainder);
  return remainder;
}

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_CRC32C_VARIANTS_H_
