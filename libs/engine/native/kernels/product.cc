// A product by packing: both factors are laid out as the inner loop reads them (product/format.h). The factor with fewer
// lines is packed first, by all threads together; then each thread takes some lines of the other at a time, packs them
// where only its own caches see them, and multiplies them by all of the first. See Goto & van de Geijn, Anatomy of
// High-Performance Matrix Multiplication (2008).

#include "product.h"

#include <algorithm>

#include "product/format.h"
#include "scratch.h"
#include "thread_pool.h"

namespace captrain {
namespace {

// Of each line, the words that are multiplied before the sums go to memory.
constexpr int64_t kDeep = 1536;
// Words of the shared factor that are packed at once (4 MiB): they stay in the last-level cache.
constexpr int64_t kShared = 1 << 20;
// Panels and words that a thread packs for itself at once, at most: they stay in the second-level cache. Two panels of
// the right factor are multiplied by a panel of the left one while that is in the first-level cache.
constexpr int64_t kOwnRightPanels = 2;
constexpr int64_t kOwnLeftWords = 1 << 16;
// Tasks for each thread, where there is enough to do, and panels of one, at most.
constexpr int64_t kTasksOfThread = 4;
constexpr int64_t kPanelsOfTask = 64;

int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }
int64_t round_up(int64_t value, int64_t step) { return parts(value, step) * step; }

// The size of equal blocks of at most `most` (about) that are multiples of `step`.
int64_t even_blocks(int64_t whole, int64_t most, int64_t step) {
  return round_up(parts(whole, parts(whole, std::max(most, step))), step);
}

// A factor and how it is packed: in panels of `width` lines that lie `panel` words apart.
struct Side {
  const Format& format;
  const Factor& factor;
  int64_t width;
  int64_t panel;

  // Depths `from` to `from + deep` of some lines; the first of them begins at `out`.
  void pack(int64_t line, int64_t lines, int64_t from, int64_t deep, uint32_t* out) const {
    if (factor.depths_together)
      format.pack_lines(at(line, from), factor.depth, lines, deep, width, panel, out);
    else
      format.pack_depths(at(line, from), factor.lines, lines, deep, width, panel, out);
  }

  // The same, by all threads together.
  void pack_together(int64_t line, int64_t lines, int64_t from, int64_t deep, uint32_t* out) const {
    // About as many values in each task, in whole panels.
    const int64_t lines_of_task = factor.depths_together ? 48 : 384;
    const int64_t deep_of_task = factor.depths_together ? 768 : 128;
    const int64_t across = parts(lines, lines_of_task);
    parallel_for(across * parts(deep, deep_of_task), [&](int64_t task) {
      const int64_t first = task % across * lines_of_task, k = task / across * deep_of_task;
      pack(line + first, std::min(lines_of_task, lines - first), from + k, std::min(deep_of_task, deep - k),
           out + first / width * panel + k / format.depths * width);
    });
  }

  // What `pack` will read.
  Ahead ahead(int64_t line, int64_t lines, int64_t from, int64_t deep) const {
    const int64_t run = parts(factor.depths_together ? deep : lines, 16);
    const int64_t runs = factor.depths_together ? lines : deep;
    const int64_t stride = factor.depths_together ? factor.depth : factor.lines;
    return {reinterpret_cast<const char*>(at(line, from)), run, run, stride * int64_t{sizeof(float)}, run * runs};
  }

 private:
  const float* at(int64_t line, int64_t k) const {
    return factor.values + (factor.depths_together ? line * factor.depth + k : k * factor.lines + line);
  }
};

void product(const Format& format, const Factor& left, const Factor& right, const float* bias, float* c) {
  const int64_t words = even_blocks(parts(left.depth, format.depths), kDeep, 64), depth = words * format.depths;
  const Side a{format, left, kRows, kRows * words}, b{format, right, kColumns, kColumns * words};
  const bool share_left = left.lines <= right.lines;
  const Side& shared = share_left ? a : b;
  const Side& own = share_left ? b : a;
  const int64_t block = even_blocks(shared.factor.lines, kShared / words, shared.width);
  const int64_t panels = parts(own.factor.lines, own.width);
  const int64_t of_task = std::clamp<int64_t>(panels / (kTasksOfThread * kernel_threads()), 1, kPanelsOfTask);
  const int64_t of_piece = even_blocks(of_task, share_left ? kOwnRightPanels : kOwnLeftWords / own.panel, 1);
  const int64_t piece = of_piece * own.width;
  const auto line_of = [&](int64_t task) { return task * of_task * own.width; };
  const auto end_of = [&](int64_t task) { return std::min(own.factor.lines, line_of(task + 1)); };
  const Scratch for_all(static_cast<size_t>(round_up(std::min(block, shared.factor.lines), shared.width) * words) *
                        sizeof(uint32_t));

  for (int64_t from = 0; from < left.depth; from += depth) {
    const int64_t deep = std::min(depth, left.depth - from);
    const bool last = from + deep == left.depth;
    for (int64_t first = 0; first < shared.factor.lines; first += block) {
      const int64_t lines = std::min(block, shared.factor.lines - first);
      shared.pack_together(first, lines, from, deep, for_all.words());

      // Panels of both sides, and the lines of own ones.
      const auto multiply = [&](const uint32_t* one, int64_t line, int64_t count, int64_t panel,
                                const uint32_t* own_words, Ahead& ahead) {
        const int64_t at = first + panel * shared.width, wide = std::min(shared.width, first + lines - at);
        const int64_t row = share_left ? at : line, column = share_left ? line : at;
        format.multiply({share_left ? one : own_words, a.panel, share_left ? own_words : one,
                         parts(deep, format.depths), c + row * right.lines + column, right.lines,
                         share_left ? wide : count, share_left ? count : wide, from > 0,
                         last && bias != nullptr ? bias + column : nullptr},
                        ahead);
      };

      const int64_t tasks = parts(panels, of_task);
      // The lines that the thread which now has these lines of a task packs next: of the same task, or, most likely, of
      // the one that is as many further on as there are threads.
      const auto ahead_of = [&](int64_t task, int64_t next_line) {
        const bool same = next_line < end_of(task);
        const int64_t later = same ? task : task + kernel_threads();
        const int64_t next_task = later % tasks, next_from = later < tasks ? from : from + depth;
        const int64_t line = same ? next_line : line_of(next_task);
        if (next_from >= left.depth) return Ahead{};
        return own.ahead(line, std::min(piece, end_of(next_task) - line), next_from,
                         std::min(depth, left.depth - next_from));
      };
      parallel_for(tasks, [&](int64_t task) {
        const Scratch for_task(static_cast<size_t>(of_piece * own.panel) * sizeof(uint32_t));
        const int64_t end = end_of(task);
        for (int64_t line = line_of(task); line < end; line += piece) {
          const int64_t count = std::min(piece, end - line);
          own.pack(line, count, from, deep, for_task.words());
          Ahead ahead = ahead_of(task, line + piece);
          Ahead none{};
          const int64_t shared_panels = parts(lines, shared.width);
          const int64_t fetches = of_piece * parts(deep, format.depths * kWordsOfFetch);
          // Late enough to be in the cache still.
          const int64_t quiet = shared_panels - parts(ahead.count, fetches);
          for (int64_t panel = 0; panel < shared_panels; ++panel) {
            const uint32_t* one = for_all.words() + panel * shared.panel;
            Ahead& now = panel < quiet ? none : ahead;
            // A block takes any number of the left's panels, and one of the right's.
            if (!share_left) multiply(one, line, count, panel, for_task.words(), now);
            for (int64_t i = 0; share_left && i < count; i += kColumns)
              multiply(one, line + i, std::min(kColumns, count - i), panel, for_task.words() + i / kColumns * b.panel,
                       now);
          }
        }
      });
    }
  }
}

}  // namespace

void product_float32(const Factor& left, const Factor& right, const float* bias, float* c) {
  product(kFloat32, left, right, bias, c);
}

void product_bfloat16(const Factor& left, const Factor& right, const float* bias, float* c) {
  product(kBfloat16, left, right, bias, c);
}

}  // namespace captrain
