#ifndef CAPTRAIN_SUMS_CRC32C_H_
#define CAPTRAIN_SUMS_CRC32C_H_

#include <cstddef>
#include <cstdint>

namespace captrain {

// The CRC-32C (Castagnoli's polynomial, as in iSCSI) of bytes that come piece by piece.
class Crc32c {
 public:
  void add(const uint8_t* bytes, size_t count);
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = ~0u;
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_CRC32C_H_
