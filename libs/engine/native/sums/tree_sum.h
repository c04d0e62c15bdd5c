#ifndef CAPTRAIN_SUMS_TREE_SUM_H_
#define CAPTRAIN_SUMS_TREE_SUM_H_

#include <cstdint>
#include <vector>

#include "wire_format.h"

namespace captrain {

// Sums of parts in the order of a tree: left and right sums are added, never anything else.
struct TreeSum {
  WireFormat format;
  int64_t values;                       // of each part, and of the sum
  std::vector<const uint8_t*> parts;
  std::vector<uint32_t> checksums;      // CRC-32C that the parts should have, or empty
  std::vector<int16_t> order;           // postfix: a number ≥ 0 pushes that part, −1 adds the two on top
  int64_t depth;                        // of the stack that this order needs
  uint8_t* into;                        // may be one of the parts

  // Results.
  int64_t wrong_checksum = -1;          // the first part with another checksum
  int64_t non_finite_part = -1;         // the first part with a value that is not finite
  bool finite = true;                   // whether what is written to `into` is
  uint32_t checksum = 0;                // CRC-32C of `into`

  // Goes through memory once, in blocks that stay in the innermost cache.
  void run();
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_TREE_SUM_H_
