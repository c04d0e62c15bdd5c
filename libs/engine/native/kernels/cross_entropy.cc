// CaptrainCrossEntropy: logits [R, V] and T targets, of which number i belongs to row rows[i] (ascending; a row may have
// several, or none; targets of other rows stand in front of these or behind them, and are passed over) → loss [R], summed over a row's targets, and its gradient [R, V], in the buffer of the logits where
// nobody else needs them.

#include "math/cross_entropy.h"

#include <algorithm>
#include <vector>

#include "op.h"
#include "register.h"
#include "thread_pool.h"

namespace captrain {
namespace {

constexpr int64_t kBlockValues = 1 << 15;

// Where the targets of each row begin, and where the last end.
std::vector<int64_t> starts_of(const Tensor& rows, int64_t count) {
  const auto is_row = [&](int64_t i) { return rows.ints()[i] >= 0 && rows.ints()[i] < count; };
  int64_t first = 0, end = rows.size();
  while (first < end && !is_row(first)) ++first;
  while (end > first && !is_row(end - 1)) --end;
  std::vector<int64_t> starts(static_cast<size_t>(count) + 1, end);
  int64_t next = 0;
  for (int64_t i = first; i < end; ++i) {
    const int64_t row = rows.ints()[i];
    require(is_row(i) && row + 1 >= next, "the rows of the targets do not ascend");
    for (; next <= row; ++next) starts[static_cast<size_t>(next)] = i;
  }
  return starts;
}

struct CrossEntropy {
  explicit CrossEntropy(const Attributes&) {}

  void compute(const Context& context) const {
    const Tensor gradient = context.output_in_place_of(0, 1);
    const Tensor logits = context.input(0), rows = context.input(1), targets = context.input(2);
    require(logits.rank() == 2, "logits " + text_of(logits.shape()) + " are no matrix");
    require(rows.size() == targets.size(), std::to_string(targets.size()) + " targets have " +
                                               std::to_string(rows.size()) + " rows");
    const int64_t count = logits.dim(0), width = logits.dim(1);
    const std::vector<int64_t> starts = starts_of(rows, count);
    for (int64_t i = 0; i < targets.size(); ++i)
      require(targets.ints()[i] >= 0 && targets.ints()[i] < width,
              "target " + std::to_string(targets.ints()[i]) + " is none of " + std::to_string(width));
    const Tensor loss = context.output(0, {count});
    const auto row_of = CAPTRAIN_BEST(cross_entropy);
    const int64_t block = std::max<int64_t>(1, kBlockValues / std::max<int64_t>(1, width));
    parallel_blocks(count, block, [&](int64_t first, int64_t end) {
      for (int64_t row = first; row < end; ++row) {
        const int64_t start = starts[static_cast<size_t>(row)];
        loss.floats()[row] =
            row_of(logits.floats() + row * width, width, targets.ints() + start,
                   starts[static_cast<size_t>(row) + 1] - start, gradient.floats() + row * width);
      }
    });
  }
};

}  // namespace

void register_cross_entropy() {
  register_op("CaptrainCrossEntropy", {}, {"logits: float", "rows: int32", "targets: int32"},
              {"loss: float", "gradient: float"});
  register_cpu_kernel<CrossEntropy>("CaptrainCrossEntropy");
}

}  // namespace captrain
