#ifndef CAPTRAIN_SUMS_BLOCK_WRITER_H_
#define CAPTRAIN_SUMS_BLOCK_WRITER_H_

#include "crc32c.h"
#include "value_loops.h"
#include "wire_format.h"

namespace captrain {

// Values per block: 8 KiB of them, so that the two that are added and their sum fit into the innermost cache.
constexpr int64_t kBlock = 2048;

// Asks for the next block of an input while this one is worked on. Beyond the input's end it does nothing.
inline void fetch(const uint8_t* block, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(block + i);
}

// What a result is written for: to be sent at once, from the caches, or to be read when they hold other things.
enum class Written { near, far };

// Writes blocks of float32 values to memory in the format of the wire, one behind the other; without any memory it only
// looks at them.
class BlockWriter {
 public:
  BlockWriter(WireFormat format, uint8_t* into, Written written);
  // Returns the block as it was written.
  const uint8_t* write(const uint8_t* floats, int64_t count);
  bool finite() const { return finite_; }
  uint32_t checksum() const { return checksum_.value(); }

 private:
  const ValueLoops& loops_ = value_loops();
  const WireFormat format_;
  const Written written_;
  uint8_t* into_;
  bool finite_ = true;
  Crc32c checksum_;
  alignas(64) uint8_t bfloats_[2 * kBlock];
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_BLOCK_WRITER_H_
