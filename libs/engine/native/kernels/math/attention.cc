#include "attention.h"

#include "attention_tile.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// Turns a row of scores of `count` keys into weights, 0 from there up to a whole line, and returns their lse.
inline float softmax(float* row, int64_t count, float scale) {
  const int64_t end = padded(count);
  const Ints numbers = lane_numbers();
  Floats largest = all(-__builtin_inff());
  for (int64_t j = 0; j < end; j += kLanes) {
    const Ints valid = numbers + static_cast<int32_t>(j) < static_cast<int32_t>(count);
    const Floats scores = valid ? load(row + j) * scale : all(-__builtin_inff());
    store(row + j, scores);
    largest = larger(largest, scores);
  }
  const float most = largest_lane(largest);
  Floats sums{};
  for (int64_t j = 0; j < end; j += kLanes) {
    const Floats weights = exp_of_negative(load(row + j) - most);
    store(row + j, weights);
    sums += weights;
  }
  const float sum = sum_of_lanes(sums);
  const float share = 1.0f / sum;
  for (int64_t j = 0; j < end; j += kLanes) store(row + j, load(row + j) * share);
  return most + __builtin_logf(sum);
}

}  // namespace

int64_t attention_scratch(int64_t width, int64_t keys) {
  return width * stride_of(keys) + keys * padded(width) + kQueries * (stride_of(keys) + padded(width)) + kept_size(keys);
}

void attention(const AttentionHead& head, const Segment& segment, float* out, int64_t out_stride, float* lse,
               float* scratch) {
  const int64_t width = head.width;
  const Keys keys(segment);
  if (keys.count == 0) {
    for (int64_t row = segment.first; row < segment.end; ++row) {
      for (int64_t e = 0; e < width; ++e) out[row * out_stride + e] = 0;
      lse[row] = 0;
    }
    return;
  }
  Parts memory{scratch};
  const Rows<float> keys_EK = memory.columns(width, keys.count);
  const Rows<float> values_KE = memory.rows(keys.count, width);
  const Rows<float> weights_QK = memory.columns(kQueries, keys.count);
  const Rows<float> out_QE = memory.rows(kQueries, width);
  float* kept = memory.next;
  gather_transposed([&](int64_t i) { return head.keys + keys.row(i) * head.key_stride; }, keys.count, width, keys_EK);
  gather([&](int64_t i) { return head.values + keys.row(i) * head.key_stride; }, keys.count, width, 1.0f, values_KE);

  const int64_t rows = segment.end - segment.first;
  for (int64_t begin = 0; begin < rows; begin += kQueries) {
    const int64_t queries = rows - begin < kQueries ? rows - begin : kQueries;
    const int64_t first = segment.first + begin;
    const int64_t count = keys.seen_by(begin + queries - 1);
    multiply({head.queries + first * head.query_stride, head.query_stride, 1}, fixed(keys_EK), weights_QK, queries, count,
            width, false);
    for (int64_t i = 0; i < queries; ++i) {
      float* row = weights_QK.data + i * weights_QK.stride;
      const int64_t visible = keys.seen_by(begin + i);
      lse[first + i] = softmax(row, visible, head.scale);
      if (head.dropped != 0) {
        fill_kept(head, first + i, visible, kept);
        for (int64_t j = 0; j < visible; ++j) row[j] *= kept[j];
      }
      for (int64_t j = padded(visible); j < count; ++j) row[j] = 0;
    }
    multiply({weights_QK.data, weights_QK.stride, 1}, fixed(values_KE), out_QE, queries, width, count, false);
    for (int64_t i = 0; i < queries; ++i) {
      const float* from = out_QE.data + i * out_QE.stride;
      float* to = out + (first + i) * out_stride;
      for (int64_t e = 0; e < width; ++e) to[e] = from[e];
    }
  }
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
