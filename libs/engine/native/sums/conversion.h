#ifndef CAPTRAIN_SUMS_CONVERSION_H_
#define CAPTRAIN_SUMS_CONVERSION_H_

#include <cstdint>

#include "wire_format.h"

namespace captrain {

// Between float32 values and their bytes as they travel, at any alignment.
struct Conversion {
  WireFormat format;
  int64_t count;
  uint8_t* values;
  uint8_t* bytes;  // to encode: null where values are only looked at

  // Results.
  bool finite = true;     // whether what was written is
  uint32_t checksum = 0;  // CRC-32C of `bytes`

  void encode();
  void decode();
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_CONVERSION_H_
