#include "crc32c.h"

#include <array>

#include "../kernels/instruction_set.h"
#include "crc32c_variants.h"

namespace captrain {
namespace {

// Tables[k][b]: what the byte b adds to the remainder with k bytes behind it ("slicing by 8").
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = crc32c_times_x(remainder);
    tables[0][byte] = remainder;
  }
  for (uint32_t byte = 0; byte < 256; ++byte)
    for (size_t k = 1; k < 8; ++k) tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
  return tables;
}

constexpr Tables kTables = make_tables();

uint32_t by_tables(uint32_t state, const uint8_t* bytes, size_t count) {
  for (; count >= 8; bytes += 8, count -= 8) {
    uint64_t eight;
    __builtin_memcpy(&eight, bytes, 8);
    eight ^= state;
    state = 0;
    for (size_t k = 0; k < 8; ++k) state ^= kTables[7 - k][eight >> (8 * k) & 0xff];
  }
  for (; count > 0; ++bytes, --count) state = state >> 8 ^ kTables[0][(state ^ *bytes) & 0xff];
  return state;
}

auto best() {
  const bool multiplies = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
  if (instruction_set() == InstructionSet::none || !multiplies) return by_tables;
  if (instruction_set() == InstructionSet::avx2 || !__builtin_cpu_supports("vpclmulqdq")) return crc32c_by_instruction;
  return crc32c_by_folding;
}

}  // namespace

void Crc32c::add(const uint8_t* bytes, size_t count) {
  static const auto update = best();
  state_ = update(state_, bytes, count);
}

}  // namespace captrain
