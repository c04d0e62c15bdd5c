#ifndef CAPTRAIN_SUMS_CRC32C_INSTRUCTION_H_
#define CAPTRAIN_SUMS_CRC32C_INSTRUCTION_H_

#include <cstddef>
#include <cstdint>

namespace captrain {

// A remainder times x, modulo Castagnoli's polynomial. The highest bit of a remainder is its term 1, the lowest x³¹.
constexpr uint32_t crc32c_times_x(uint32_t remainder) {
  return remainder >> 1 ^ ((remainder & 1) != 0 ? 0x82f63b78u : 0);
}

// For processors with SSE4.2 and PCLMULQDQ.
uint32_t crc32c_by_instruction(uint32_t state, const uint8_t* bytes, size_t count);

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_CRC32C_INSTRUCTION_H_
