#ifndef CAPTRAIN_SUMS_BLOCK_WRITER_H_
#define CAPTRAIN_SUMS_BLOCK_WRITER_H_

#include "crc32c.h"
#include "tree_sum.h"
#include "value_loops.h"

namespace captrain {

// Values per block: 8 KiB of them, so that the two that are added and their sum fit into the innermost cache.
constexpr int64_t kBlock = 2048;

// Writes blocks of float32 values to memory in the format of the wire, one behind the other.
class BlockWriter {
 public:
  BlockWriter(WireFormat format, uint8_t* into, int64_t values);
  void write(const uint8_t* floats, int64_t count);
  bool finite() const { return finite_; }
  uint32_t checksum() const { return checksum_.value(); }

 private:
  const ValueLoops& loops_ = value_loops();
  const WireFormat format_;
  const bool streams_;
  uint8_t* into_;
  bool finite_ = true;
  Crc32c checksum_;
  alignas(64) uint8_t bfloats_[2 * kBlock];
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_BLOCK_WRITER_H_
