// What attention and its gradient share: a segment's keys, and the places of its matrices in scratch memory.

#ifndef CAPTRAIN_KERNELS_MATH_ATTENTION_TILE_H_
#define CAPTRAIN_KERNELS_MATH_ATTENTION_TILE_H_

#include "attention.h"
#include "philox.h"
#include "small_product.h"
#include "transcendental.h"
#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Rows of queries that are computed at once: scratch memory grows with the keys, not with their square.
constexpr int64_t kQueries = 48;

// An odd number of lines, so that a column's values do not all fall into the same sets of the cache.
constexpr int64_t stride_of(int64_t count) { return padded(count) | kLine; }

// The keys of a segment in the order of their places: first those that all its rows see, then its own.
struct Keys {
  explicit Keys(const Segment& segment)
      : segment(segment), count(segment.seen_count + (segment.own == Own::none ? 0 : segment.end - segment.first)) {}

  int64_t row(int64_t place) const {
    return place < segment.seen_count ? segment.seen[place] : segment.first + place - segment.seen_count;
  }
  // How many of them the segment's row of this number sees.
  int64_t seen_by(int64_t query) const { return segment.own == Own::before ? segment.seen_count + query + 1 : count; }

  const Segment& segment;
  const int64_t count;
};

// Hands out parts of scratch memory, each beginning at a whole line.
struct Parts {
  float* next;
  Rows<float> rows(int64_t count, int64_t width) {
    const Rows<float> rows{next, padded(width)};
    next += count * rows.stride;
    return rows;
  }
  Rows<float> columns(int64_t count, int64_t width) {
    const Rows<float> rows{next, stride_of(width)};
    next += count * rows.stride;
    return rows;
  }
};

inline Rows<const float> fixed(Rows<float> rows) { return {rows.data, rows.stride}; }

// to[i] = row(i) · factor for `count` rows of `width` values, the columns behind them 0.
template <typename Row>
inline void gather(Row row, int64_t count, int64_t width, float factor, Rows<float> to) {
  for (int64_t i = 0; i < count; ++i) {
    const float* from = row(i);
    float* at = to.data + i * to.stride;
    for (int64_t e = 0; e < width; ++e) at[e] = from[e] * factor;
    for (int64_t e = width; e < to.stride; ++e) at[e] = 0;
  }
}

// The transposed matrix of row(0)…row(count − 1), the columns behind them 0 up to a whole line.
template <typename Row>
inline void gather_transposed(Row row, int64_t count, int64_t width, Rows<float> to) {
  for (int64_t i = 0; i < padded(count); i += 4) {
    const float* four[4];
    for (int64_t j = 0; j < 4; ++j) four[j] = i + j < count ? row(i + j) : nullptr;
    transpose_four(four, width, to.data + i, to.stride);
  }
}

// Floats that fill_kept writes for so many places: eight counters of four words at a time.
constexpr int64_t kPlaces = 32;
constexpr int64_t kept_size(int64_t places) { return (places + kPlaces - 1) / kPlaces * kPlaces; }

// What each of a row's weights is multiplied by, 0 where it is dropped, by the key's place. The counter's words are its
// number, row, head and 0; of 32 places, the first 16 have the words 0 and 1 of eight counters, in turn, the others 2 and 3.
inline void fill_kept(const AttentionHead& head, int64_t row, int64_t places, float* kept) {
  typedef uint32_t Numbers __attribute__((vector_size(4 * kLanes)));
  const auto fill = [&](float* at, Words even, Words odd) {
    const Numbers numbers = (Numbers)((even & 0xffffffff) | odd << 32);
    const Ints keep = numbers >= head.dropped;
    store(at, keep ? all(head.growth) : Floats{});
  };
  for (int64_t place = 0; place < places; place += kPlaces) {
    for (int64_t lane = 0; lane < 8; lane += kCounters) {
      Words counters;
      for (int64_t i = 0; i < kCounters; ++i) counters[i] = static_cast<uint64_t>(place / 4 + lane + i);
      const Block block = philox({{counters, same(static_cast<uint64_t>(row)), same(head.head), Words{}}}, head.seed);
      fill(kept + place + 2 * lane, block.word[0], block.word[1]);
      fill(kept + place + 16 + 2 * lane, block.word[2], block.word[3]);
    }
  }
}

}  // namespace
}  // namespace CAPTRAIN_ISA
}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_MATH_ATTENTION_TILE_H_
