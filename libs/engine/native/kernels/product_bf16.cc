// A product by packing: blocks of both factors are rounded and laid out as the inner loop reads them (math_bf16/pack.h),
// all threads together, and then multiplied in tasks of one panel of b by some panels of a (math_bf16/multiply.h). See
// Goto & van de Geijn, Anatomy of High-Performance Matrix Multiplication (2008).

#include "product_bf16.h"

#include <algorithm>

#include "math_bf16/multiply.h"
#include "math_bf16/pack.h"
#include "scratch.h"
#include "thread_pool.h"

namespace captrain {
namespace {

using avx512_bf16::kColumns;
using avx512_bf16::kRows;

// Blocks are cut so that one of each factor (2.4 MB) stays in the last-level cache.
constexpr int64_t kDepth = 1536;
constexpr int64_t kBlock = 1200 << 10;  // values
// Rows of a task: their part of a stays in the second-level cache while b passes by.
constexpr int64_t kTaskRows = 192;

int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }
int64_t round_up(int64_t value, int64_t step) { return parts(value, step) * step; }

// The size of equal blocks of at most `most` (about) that are multiples of `step`.
int64_t even_blocks(int64_t whole, int64_t most, int64_t step) {
  return round_up(parts(whole, parts(whole, std::max(most, step))), step);
}

// A factor and its block that is packed now.
struct Packed {
  Packed(const Factor& factor, int64_t width, int64_t depth)
      : factor(factor),
        width(width),
        block(even_blocks(factor.lines, kBlock / depth, kTaskRows)),
        panel(round_up(parts(depth, 2) * width, 16)) {}

  int64_t blocks() const { return parts(factor.lines, block); }
  int64_t words() const { return parts(std::min(block, factor.lines), width) * panel; }
  int64_t first() const { return index * block; }
  int64_t lines() const { return std::min(block, factor.lines - first()); }

  // Tasks in which a block is packed: about as many values each, in whole panels.
  int64_t lines_of_task() const { return factor.depths_together ? 48 : 384; }
  int64_t depth_of_task() const { return factor.depths_together ? 768 : 128; }
  int64_t tasks(int64_t deep) const { return parts(lines(), lines_of_task()) * parts(deep, depth_of_task()); }

  void pack(int64_t task, int64_t from, int64_t deep) const {
    const int64_t across = parts(lines(), lines_of_task());
    const int64_t line = task % across * lines_of_task(), k = task / across * depth_of_task();
    const int64_t count = std::min(lines_of_task(), lines() - line), depth = std::min(depth_of_task(), deep - k);
    uint32_t* out = memory + line / width * panel + k / 2 * width;
    if (factor.depths_together)
      avx512_bf16::pack_lines(factor.values + (first() + line) * factor.depth + from + k, factor.depth, count, depth,
                              width, panel, out);
    else
      avx512_bf16::pack_depths(factor.values + (from + k) * factor.lines + first() + line, factor.lines, count, depth,
                               width, panel, out);
  }

  const Factor& factor;
  const int64_t width;
  const int64_t block;
  const int64_t panel;
  uint32_t* memory = nullptr;
  int64_t index = -1;
};

}  // namespace

void product_bf16(const Factor& left, const Factor& right, const float* bias, float* c) {
  const int64_t depth = even_blocks(left.depth, kDepth, 128);
  Packed a(left, kRows, depth), b(right, kColumns, depth);
  const Scratch scratch(static_cast<size_t>(a.words() + b.words()) * sizeof(uint32_t));
  // The words of b come first: their panels are whole cache lines.
  b.memory = scratch.words();
  a.memory = scratch.words() + b.words();
  for (int64_t from = 0; from < left.depth; from += depth) {
    const int64_t deep = std::min(depth, left.depth - from);
    const bool last = from + deep == left.depth;
    a.index = b.index = -1;
    for (int64_t i = 0; i < b.blocks(); ++i) {
      for (int64_t j = 0; j < a.blocks(); ++j) {
        const bool new_b = b.index != i, new_a = a.index != j;
        b.index = i;
        a.index = j;
        const int64_t tasks_b = new_b ? b.tasks(deep) : 0, tasks_a = new_a ? a.tasks(deep) : 0;
        parallel_for(tasks_a + tasks_b, [&](int64_t task) {
          if (task < tasks_b)
            b.pack(task, from, deep);
          else
            a.pack(task - tasks_b, from, deep);
        });
        const int64_t panels = parts(b.lines(), kColumns);
        parallel_for(panels * parts(a.lines(), kTaskRows), [&](int64_t task) {
          const int64_t row = task / panels * kTaskRows, column = task % panels * kColumns;
          const int64_t at = b.first() + column;
          avx512_bf16::multiply({a.memory + row / kRows * a.panel, a.panel, b.memory + column / kColumns * b.panel,
                                 parts(deep, 2), c + (a.first() + row) * right.lines + at, right.lines,
                                 std::min(kTaskRows, a.lines() - row), std::min(kColumns, b.lines() - column), from > 0,
                                 last && bias != nullptr ? bias + at : nullptr});
        });
      }
    }
  }
}

}  // namespace captrain
