#ifndef CAPTRAIN_SUMS_TREE_SUM_H_
#define CAPTRAIN_SUMS_TREE_SUM_H_

#include <cstdint>
#include <vector>

#include "wire_format.h"

namespace captrain {

// One of the numbers to add.
struct Part {
  const uint8_t* values;
  bool travelled;      // as the sum's format has it; otherwise float32 of this process, rounded to that format as it is read
  bool checked;        // whether it should have the checksum
  uint32_t checksum;   // CRC-32C
};

// Sums of parts in the order of a tree: left and right sums are added, never anything else.
struct TreeSum {
  WireFormat format;
  int64_t values;              // of each part, and of the sum
  std::vector<Part> parts;
  std::vector<int16_t> order;  // postfix: a number ≥ 0 pushes that part, −1 adds the two on top
  int64_t depth;               // of the stack that this order needs
  uint8_t* into;               // may be one of the parts, or null
  uint8_t* floats;             // receives the same as float32, or null

  // Results.
  int64_t wrong_checksum = -1;          // the first part with another checksum
  int64_t non_finite_part = -1;         // the first part with a value that is not finite
  bool finite = true;                   // whether the sum is, as it travels
  uint32_t checksum = 0;                // its CRC-32C

  // Goes through memory once, in blocks that stay in the innermost cache.
  void run();
};

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_TREE_SUM_H_
