#ifndef CAPTRAIN_KERNELS_SEGMENTS_H_
#define CAPTRAIN_KERNELS_SEGMENTS_H_

#include <vector>

#include "math/attention.h"
#include "op.h"

namespace captrain {

// The segments [S, 4] of a packed attention over so many rows: [first, end, seenFirst, seenEnd] each. Throws, naming the
// segment, where its ranges are none, where its rows are another's too, or where it would see a row of its own twice.
class Segments {
 public:
  Segments(const Tensor& segments, int64_t rows, bool causal);

  // Sorted by what they see, directly or through others: the segments of two families have no row in common, so that
  // families can be computed side by side. In a family they keep their order.
  const std::vector<std::vector<Segment>>& families() const { return families_; }
  // Runs of rows [first, end) that are in no segment.
  const std::vector<Segment>& uncovered() const { return uncovered_; }
  // The most keys that a segment has.
  int64_t most_keys() const { return most_keys_; }

 private:
  std::vector<std::vector<Segment>> families_;
  std::vector<Segment> uncovered_;
  int64_t most_keys_ = 0;
};

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_SEGMENTS_H_
