#include "segments.h"

#include <algorithm>
#include <string>

namespace captrain {
namespace {

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
  const bool forest = tensor.rank() == 2 && tensor.dim(1) == 3;
  require(forest || (tensor.rank() == 2 && tensor.dim(1) == 4),
          "segments are [S, 3] or [S, 4], not " + text_of(tensor.shape()));
  const int64_t count = tensor.dim(0), columns = tensor.dim(1);
  std::vector<Segment> segments(static_cast<size_t>(count));
  seen_.resize(static_cast<size_t>(count));
  std::vector<bool> covered(static_cast<size_t>(rows));
  RowSets sets(rows);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t* values = tensor.ints() + i * columns;
    const int64_t first = values[0], end = values[1];
    std::vector<int32_t>& seen = seen_[i];
    const auto check = [&](bool holds, const char* what) {
      if (holds) return;
      throw BadArgument("segment " + std::to_string(i) + " " + text_of(Shape(values, values + columns)) + " of " +
                        std::to_string(rows) + " rows " + what);
    };
    check(0 <= first && first <= end && end <= rows, "has no range of rows");
    if (forest) {
      const int64_t parent = values[2];
      check(-1 <= parent && parent < i, "has no earlier segment for its parent");
      if (parent >= 0) {
        seen = seen_[parent];
        for (int64_t row = segments[parent].first; row < segments[parent].end; ++row) seen.push_back(row);
      }
    } else {
      check(0 <= values[2] && values[2] <= values[3] && values[3] <= rows, "sees no range of rows");
      for (int32_t row = values[2]; row < values[3]; ++row) seen.push_back(row);
      const bool twice = causal && first < end && !seen.empty() && values[2] < end && first < values[3];
      check(!twice, "sees rows of its own twice");
    }
    for (int64_t row = first; row < end; ++row) {
      check(!covered[row], "has rows of another segment");
      covered[row] = true;
      sets.join(first, row);
    }
    const Own own = causal ? Own::before : forest ? Own::all : Own::none;
    segments[i] = {first, end, seen.data(), static_cast<int64_t>(seen.size()), own};
    if (first == end) continue;
    for (const int32_t row : seen) sets.join(first, row);
    most_keys_ = std::max(most_keys_, segments[i].seen_count + (own == Own::none ? 0 : end - first));
  }
  std::vector<int64_t> family_of(static_cast<size_t>(rows), -1);
  for (const Segment& segment : segments) {
    if (segment.first == segment.end) continue;
    int64_t& family = family_of[sets.set_of(segment.first)];
    if (family < 0) {
      family = static_cast<int64_t>(families_.size());
      families_.emplace_back();
    }
    families_[family].push_back(segment);
  }
  for (int64_t row = 0; row < rows; ++row)
    if (!covered[row]) uncovered_.push_back(row);
}

}  // namespace captrain
