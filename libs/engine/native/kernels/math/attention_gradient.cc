#include "attention.h"
#include "attention_tile.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

// For one row of scores and of dweights, the gradient of its weights after dropout: the scores become the weights after
// dropout, and dweights becomes the gradient of the scaled scores. Both 0 from `count` up to a whole line.
template <bool kDropout>
inline void softmax_gradient(float* scores, float* dweights, int64_t count, float scale, float lse, const float* kept) {
  const int64_t end = padded(count);
  const Ints numbers = lane_numbers();
  Floats sums{};
  for (int64_t j = 0; j < end; j += kLanes) {
    const Ints valid = numbers + static_cast<int32_t>(j) < static_cast<int32_t>(count);
    const Floats weights = valid ? exp_of_negative(load(scores + j) * scale - lse) : Floats{};
    Floats up = valid ? load(dweights + j) : Floats{};
    if (kDropout) up *= load(kept + j);
    sums += weights * up;
    store(scores + j, weights);
    store(dweights + j, up);
  }
  const float along = sum_of_lanes(sums);
  for (int64_t j = 0; j < end; j += kLanes) {
    const Floats weights = load(scores + j);
    store(dweights + j, weights * (load(dweights + j) - along));
    if (kDropout) store(scores + j, weights * load(kept + j));
  }
}

inline void add_rows(Rows<float> from, const Keys& keys, int64_t width, float* to, int64_t stride) {
  for (int64_t i = 0; i < keys.count; ++i) {
    const float* row = from.data + i * from.stride;
    float* at = to + keys.row(i) * stride;
    for (int64_t e = 0; e < width; ++e) at[e] += row[e];
  }
}

}  // namespace

int64_t attention_gradient_scratch(int64_t width, int64_t keys) {
  return 2 * width * stride_of(keys) + 3 * keys * padded(width) + kQueries * (2 * stride_of(keys) + 3 * padded(width)) +
         kept_size(keys);
}

void attention_gradient(const AttentionHead& head, const Segment& segment, const float* dout, int64_t dout_stride,
                        const float* lse, const AttentionGradients& gradients, float* scratch) {
  const int64_t width = head.width;
  const Keys keys(segment);
  const int64_t rows = segment.end - segment.first;
  if (keys.count == 0) {
    for (int64_t row = segment.first; row < segment.end; ++row)
      for (int64_t e = 0; e < width; ++e) gradients.dqueries[row * head.query_stride + e] = 0;
    return;
  }
  Parts memory{scratch};
  const Rows<float> keys_EK = memory.columns(width, keys.count), values_EK = memory.columns(width, keys.count);
  const Rows<float> keys_KE = memory.rows(keys.count, width);
  const Rows<float> dkeys_KE = memory.rows(keys.count, width), dvalues_KE = memory.rows(keys.count, width);
  const Rows<float> weights_QK = memory.columns(kQueries, keys.count), dscores_QK = memory.columns(kQueries, keys.count);
  const Rows<float> queries_QE = memory.rows(kQueries, width), dout_QE = memory.rows(kQueries, width);
  const Rows<float> dqueries_QE = memory.rows(kQueries, width);
  float* kept = memory.next;
  const auto key = [&](int64_t i) { return head.keys + keys.row(i) * head.key_stride; };
  gather_transposed(key, keys.count, width, keys_EK);
  gather(key, keys.count, width, 1.0f, keys_KE);
  gather_transposed([&](int64_t i) { return head.values + keys.row(i) * head.key_stride; }, keys.count, width, values_EK);
  for (int64_t i = 0; i < keys.count * dkeys_KE.stride; ++i) dkeys_KE.data[i] = dvalues_KE.data[i] = 0;

  for (int64_t begin = 0; begin < rows; begin += kQueries) {
    const int64_t queries = rows - begin < kQueries ? rows - begin : kQueries;
    const int64_t first = segment.first + begin;
    const int64_t count = keys.seen_by(begin + queries - 1);
    const float* own = head.queries + first * head.query_stride;
    const float* up = dout + first * dout_stride;
    gather([&](int64_t i) { return own + i * head.query_stride; }, queries, width, head.scale, queries_QE);
    gather([&](int64_t i) { return up + i * dout_stride; }, queries, width, 1.0f, dout_QE);
    multiply({own, head.query_stride, 1}, fixed(keys_EK), weights_QK, queries, count, width, false);
    multiply({up, dout_stride, 1}, fixed(values_EK), dscores_QK, queries, count, width, false);
    for (int64_t i = 0; i < queries; ++i) {
      float* scores = weights_QK.data + i * weights_QK.stride;
      float* dweights = dscores_QK.data + i * dscores_QK.stride;
      const int64_t visible = keys.seen_by(begin + i);
      if (head.dropped != 0) {
        fill_kept(head, first + i, visible, kept);
        softmax_gradient<true>(scores, dweights, visible, head.scale, lse[first + i], kept);
      } else {
        softmax_gradient<false>(scores, dweights, visible, head.scale, lse[first + i], nullptr);
      }
      for (int64_t j = padded(visible); j < count; ++j) scores[j] = dweights[j] = 0;
    }
    multiply({dscores_QK.data, dscores_QK.stride, 1}, fixed(keys_KE), dqueries_QE, queries, width, count, false);
    multiply({dscores_QK.data, 1, dscores_QK.stride}, fixed(queries_QE), dkeys_KE, count, width, queries, true);
    multiply({weights_QK.data, 1, weights_QK.stride}, fixed(dout_QE), dvalues_KE, count, width, queries, true);
    for (int64_t i = 0; i < queries; ++i) {
      const float* from = dqueries_QE.data + i * dqueries_QE.stride;
      float* to = gradients.dqueries + (first + i) * head.query_stride;
      for (int64_t e = 0; e < width; ++e) to[e] = from[e] * head.scale;
    }
  }
  add_rows(dkeys_KE, keys, width, gradients.dkeys, head.key_stride);
  add_rows(dvalues_KE, keys, width, gradients.dvalues, head.key_stride);
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
