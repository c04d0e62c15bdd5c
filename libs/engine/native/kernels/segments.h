#ifndef CAPTRAIN_KERNELS_SEGMENTS_H_
#define CAPTRAIN_KERNELS_SEGMENTS_H_

#include <vector>

#include "math/attention.h"
#include "op.h"

namespace captrain {

// Which rows see which in a packed attention of so many rows. Either as a forest, [S, 3] with [first, end, parent] each:
// the rows [first, end) see all rows of the parent (an earlier segment, or −1) and of its ancestors, and their own. Or as
// ranges, [S, 4] with [first, end, seenFirst, seenEnd] each: they see [seenFirst, seenEnd), and their own only where
// attention is causal. Causal: of its own segment a row sees those up to itself.
//
// Throws, naming the segment, where its ranges or its parent are none, where its rows are another's too, or where it
// would see a row of its own twice.
class Segments {
 public:
  Segments(const Tensor& segments, int64_t rows, bool causal);

  // Sorted by what they see, directly or through others: the segments of two families have no row in common, so that
  // families can be computed side by side. In a family they keep their order.
  const std::vector<std::vector<Segment>>& families() const { return families_; }
  // The rows that are in no segment.
  const std::vector<int64_t>& uncovered() const { return uncovered_; }
  // The most keys that a segment has.
  int64_t most_keys() const { return most_keys_; }

 private:
  std::vector<std::vector<Segment>> families_;
  std::vector<std::vector<int32_t>> seen_;  // by segment
  std::vector<int64_t> uncovered_;
  int64_t most_keys_ = 0;
};

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_SEGMENTS_H_
