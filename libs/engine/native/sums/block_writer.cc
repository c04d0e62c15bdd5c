#include "block_writer.h"

#include <cstring>

namespace captrain {
namespace {

// From this many bytes on a result is written past the caches; a smaller one (a chunk) stays in them for whoever sends it.
constexpr int64_t kStreamedBytes = int64_t{16} << 20;

}  // namespace

BlockWriter::BlockWriter(WireFormat format, uint8_t* into, int64_t values)
    : format_(format), streams_(values * bytes_of_value(format) >= kStreamedBytes), into_(into) {}

void BlockWriter::write(const uint8_t* floats, int64_t count) {
  const uint8_t* block = floats;
  if (format_ == WireFormat::bfloat16) {
    if (!loops_.to_bfloat16(floats, count, bfloats_)) finite_ = false;
    block = bfloats_;
  } else if (!loops_.finite(floats, count)) {
    finite_ = false;
  }
  const int64_t bytes = count * bytes_of_value(format_);
  checksum_.add(block, static_cast<size_t>(bytes));
  if (streams_) {
    loops_.stream(block, bytes, into_);
  } else if (block != into_) {
    std::memcpy(into_, block, static_cast<size_t>(bytes));
  }
  into_ += bytes;
}

}  // namespace captrain
