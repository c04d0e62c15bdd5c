#include "block_writer.h"

#include <cstring>

namespace captrain {

BlockWriter::BlockWriter(WireFormat format, uint8_t* into, Written written)
    : format_(format), written_(written), into_(into) {}

const uint8_t* BlockWriter::write(const uint8_t* floats, int64_t count) {
  const uint8_t* block = floats;
  if (format_ == WireFormat::bfloat16) {
    if (!loops_.to_bfloat16(floats, count, bfloats_)) finite_ = false;
    block = bfloats_;
  } else if (!loops_.finite(floats, count)) {
    finite_ = false;
  }
  const int64_t bytes = count * bytes_of_value(format_);
  checksum_.add(block, static_cast<size_t>(bytes));
  if (into_ == nullptr) return block;
  if (written_ == Written::far) {
    loops_.stream(block, bytes, into_);
  } else if (block != into_) {
    std::memcpy(into_, block, static_cast<size_t>(bytes));
  }
  into_ += bytes;
  return block;
}

}  // namespace captrain
