#include "segments.h"

#include <algorithm>
#include <string>

namespace captrain {
namespace {

std::string name_of(int64_t index, const Segment& segment) {
  return "segment " + std::to_string(index) + " " +
         text_of(Shape{segment.first, segment.end, segment.seen_first, segment.seen_end});
}

// Sets of rows, as trees of rows that lead to the set's smallest (union–find).
class RowSets {
 public:
  explicit RowSets(int64_t rows) : parents_(static_cast<size_t>(rows)) {
    for (int64_t row = 0; row < rows; ++row) parents_[row] = row;
  }
  int64_t set_of(int64_t row) {
    while (parents_[row] != row) row = parents_[row] = parents_[parents_[row]];
    return row;
  }
  void join(int64_t a, int64_t b) {
    a = set_of(a);
    b = set_of(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<int64_t> parents_;
};

}  // namespace

Segments::Segments(const Tensor& tensor, int64_t rows, bool causal) {
  require(tensor.rank() == 2 && tensor.dim(1) == 4, "segments are [S, 4], not " + text_of(tensor.shape()));
  const auto* segments = tensor.data<const Segment>();
  const int64_t count = tensor.dim(0);
  std::vector<bool> covered(static_cast<size_t>(rows));
  RowSets sets(rows);
  for (int64_t i = 0; i < count; ++i) {
    const Segment& segment = segments[i];
    const auto check = [&](bool holds, const char* what) {
      if (!holds) throw BadArgument(name_of(i, segment) + " of " + std::to_string(rows) + " rows " + what);
    };
    check(0 <= segment.first && segment.first <= segment.end && segment.end <= rows, "has no range of rows");
    check(0 <= segment.seen_first && segment.seen_first <= segment.seen_end && segment.seen_end <= rows,
          "sees no range of rows");
    if (segment.first == segment.end) continue;
    const int64_t seen = segment.seen_end - segment.seen_first;
    check(!causal || seen == 0 || segment.seen_end <= segment.first || segment.seen_first >= segment.end,
          "sees rows of its own twice");
    for (int64_t row = segment.first; row < segment.end; ++row) {
      check(!covered[row], "has rows of another segment");
      covered[row] = true;
      sets.join(segment.first, row);
    }
    for (int64_t row = segment.seen_first; row < segment.seen_end; ++row) sets.join(segment.first, row);
    most_keys_ = std::max(most_keys_, seen + (causal ? segment.end - segment.first : 0));
  }
  std::vector<int64_t> family_of(static_cast<size_t>(rows), -1);
  for (int64_t i = 0; i < count; ++i) {
    const Segment& segment = segments[i];
    if (segment.first == segment.end) continue;
    int64_t& family = family_of[sets.set_of(segment.first)];
    if (family < 0) {
      family = static_cast<int64_t>(families_.size());
      families_.emplace_back();
    }
    families_[family].push_back(segment);
  }
  for (int32_t row = 0; row < rows; ++row) {
    if (covered[row]) continue;
    if (!uncovered_.empty() && uncovered_.back().end == row) ++uncovered_.back().end;
    else uncovered_.push_back({row, row + 1, 0, 0});
  }
}

}  // namespace captrain
