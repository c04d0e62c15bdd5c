#include "conversion.h"

#include <algorithm>

#include "block_writer.h"

namespace captrain {

void Conversion::encode() {
  BlockWriter writer(format, bytes, Written::near);
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t block = std::min(kBlock, count - first);
    const uint8_t* from = values + first * 4;
    fetch(from + block * 4, block * 4);
    writer.write(from, block);
  }
  finite = writer.finite();
  checksum = writer.checksum();
}

void Conversion::decode() {
  const int64_t width = bytes_of_value(format);
  Crc32c crc;
  BlockWriter writer(WireFormat::float32, values, Written::far);
  alignas(64) float floats[kBlock];
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t block = std::min(kBlock, count - first);
    const uint8_t* from = bytes + first * width;
    fetch(from + block * width, block * width);
    if (format == WireFormat::float32) {
      writer.write(from, block);
      continue;
    }
    crc.add(from, static_cast<size_t>(block * width));
    value_loops().from_bfloat16(from, block, floats);
    writer.write(reinterpret_cast<const uint8_t*>(floats), block);
  }
  finite = writer.finite();
  checksum = format == WireFormat::float32 ? writer.checksum() : crc.value();
}

}  // namespace captrain
