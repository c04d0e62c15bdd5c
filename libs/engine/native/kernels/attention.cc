// Softmax attention of rows that are packed without padding, one run of rows (segment) after another; see segments.h and
// math/attention.h. `parts` is one tensor qkv [N, 3D], queries, keys and values side by side, or two, queries [N, D] and
// keys with values [N, 2D]; heads stand side by side in each. `rate` is dropout of the weights, drawn from `seed` [2].
//
// CaptrainAttention: parts, segments, seed → out [N, D], lse [heads, N]. Rows in no segment are 0.
// CaptrainAttentionGrad: dout, parts, segments, seed, lse → the gradients of the parts.

#include "math/attention.h"

#include <algorithm>
#include <cmath>

#include "op.h"
#include "register.h"
#include "segments.h"
#include "thread_pool.h"

namespace captrain {
namespace {

// A thread's own scratch memory, kept from call to call; begins at a whole line of the cache.
float* scratch_of(int64_t floats) {
  thread_local std::vector<float> memory;
  if (memory.size() < static_cast<size_t>(floats) + 16) memory.resize(static_cast<size_t>(floats) + 16);
  return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64);
}

// What both ops are told, and what it says about their tensors.
struct Setting {
  explicit Setting(const Attributes& attributes)
      : parts(attributes.integer("N")),
        heads(attributes.integer("heads")),
        scale(attributes.real("scale")),
        causal(attributes.boolean("causal")),
        rate(attributes.real("rate")) {
    require(parts == 1 || parts == 2,
            "attention takes qkv, or queries and keys_values, not " + std::to_string(parts) + " tensors");
    require(heads > 0, "attention of " + std::to_string(heads) + " heads");
    require(rate >= 0 && rate < 1, "a dropout rate of " + std::to_string(rate) + ", not in [0, 1)");
  }

  const int64_t parts;
  const int64_t heads;
  const float scale;
  const bool causal;
  const float rate;
};

// The tensors that both ops read: parts, segments and seed, from input `first` on.
struct Inputs {
  Inputs(const Setting& setting, const Context& context, int first)
      : setting(setting),
        queries(context.input(first)),
        keys_values(context.input(first + static_cast<int>(setting.parts) - 1)),
        rows(checked_rows()),
        width(queries.columns() / (setting.parts == 1 ? 3 : 1)),
        head_width(width / setting.heads),
        segments(context.input(first + static_cast<int>(setting.parts)), rows, setting.causal),
        seed(context.input(first + static_cast<int>(setting.parts) + 1)) {
    require(seed.size() == 2, "the seed of dropout is two numbers, not " + text_of(seed.shape()));
  }

  AttentionHead head(int64_t index) const {
    const int64_t first_key = (setting.parts == 1 ? width : 0) + index * head_width;
    AttentionHead head{};
    head.queries = queries.floats() + index * head_width;
    head.query_stride = queries.columns();
    head.keys = keys_values.floats() + first_key;
    head.values = head.keys + width;
    head.key_stride = keys_values.columns();
    head.width = head_width;
    head.scale = setting.scale;
    head.dropped = static_cast<uint32_t>(std::lround(static_cast<double>(setting.rate) * 4294967296.0));
    head.growth = 1.0f / (1.0f - setting.rate);
    head.seed[0] = static_cast<uint32_t>(seed.ints()[0]);
    head.seed[1] = static_cast<uint32_t>(seed.ints()[1]);
    head.head = static_cast<uint32_t>(index);
    return head;
  }

  // work(head's index, its family's segments) for every head and family, in no order.
  template <typename Work>
  void for_each_family(Work work) const {
    const auto& families = segments.families();
    parallel_for(static_cast<int64_t>(families.size()) * setting.heads,
                 [&](int64_t task) { work(task % setting.heads, families[task / setting.heads]); });
  }

  const Setting& setting;
  const Tensor queries;
  const Tensor keys_values;
  const int64_t rows;
  const int64_t width;
  const int64_t head_width;
  const Segments segments;
  const Tensor seed;

 private:
  int64_t checked_rows() const {
    require(queries.rank() == 2 && keys_values.rank() == 2, "the parts of an attention have two dimensions");
    if (setting.parts == 1) {
      require(queries.columns() % (3 * setting.heads) == 0,
              "qkv " + text_of(queries.shape()) + " is not three times " + std::to_string(setting.heads) + " heads");
    } else {
      require(queries.columns() % setting.heads == 0 && keys_values.columns() == 2 * queries.columns() &&
                  keys_values.dim(0) == queries.dim(0),
              "queries " + text_of(queries.shape()) + " and keys_values " + text_of(keys_values.shape()) +
                  " are not those of " + std::to_string(setting.heads) + " heads");
    }
    return queries.dim(0);
  }
};

struct Attention {
  explicit Attention(const Attributes& attributes) : setting(attributes) {}

  void compute(const Context& context) const {
    const Inputs inputs(setting, context, 0);
    const Tensor out = context.output(0, {inputs.rows, inputs.width});
    const Tensor lse = context.output(1, {setting.heads, inputs.rows});
    const auto attend = CAPTRAIN_BEST(attention);
    const int64_t memory = CAPTRAIN_BEST(attention_scratch)(inputs.head_width, inputs.segments.most_keys());
    inputs.for_each_family([&](int64_t index, const std::vector<Segment>& family) {
      const AttentionHead head = inputs.head(index);
      float* scratch = scratch_of(memory);
      for (const Segment& segment : family)
        attend(head, segment, out.floats() + index * inputs.head_width, inputs.width, lse.floats() + index * inputs.rows,
               scratch);
    });
    for (const int64_t row : inputs.segments.uncovered()) {
      std::fill_n(out.floats() + row * inputs.width, inputs.width, 0.0f);
      for (int64_t head = 0; head < setting.heads; ++head) lse.floats()[head * inputs.rows + row] = 0;
    }
  }

  const Setting setting;
};

struct AttentionGrad {
  explicit AttentionGrad(const Attributes& attributes) : setting(attributes) {}

  void compute(const Context& context) const {
    const Inputs inputs(setting, context, 1);
    const Tensor dout = context.input(0), lse = context.input(3 + static_cast<int>(setting.parts));
    require(dout.size() == inputs.rows * inputs.width && lse.size() == setting.heads * inputs.rows,
            "dout and lse do not belong to an attention of " + text_of(inputs.queries.shape()));
    const Tensor dqueries = context.output(0, inputs.queries.shape());
    if (setting.parts == 1) return compute(inputs, dout, lse, dqueries.floats(), dqueries.floats() + inputs.width);
    const Tensor dkeys_values = context.output(1, inputs.keys_values.shape());
    compute(inputs, dout, lse, dqueries.floats(), dkeys_values.floats());
  }

  // dqueries and dkeys lead to row 0 of what their names say, in tensors of the parts' shapes.
  void compute(const Inputs& inputs, const Tensor& dout, const Tensor& lse, float* dqueries, float* dkeys) const {
    const int64_t query_stride = inputs.queries.columns(), key_stride = inputs.keys_values.columns();
    const int64_t width = inputs.head_width;
    for (const int64_t row : inputs.segments.uncovered()) std::fill_n(dqueries + row * query_stride, inputs.width, 0.0f);
    // Segments add to these.
    parallel_blocks(inputs.rows, 64, [&](int64_t first, int64_t end) {
      for (int64_t row = first; row < end; ++row) std::fill_n(dkeys + row * key_stride, 2 * inputs.width, 0.0f);
    });
    const auto differentiate = CAPTRAIN_BEST(attention_gradient);
    const int64_t memory = CAPTRAIN_BEST(attention_gradient_scratch)(width, inputs.segments.most_keys());
    inputs.for_each_family([&](int64_t index, const std::vector<Segment>& family) {
      const AttentionHead head = inputs.head(index);
      const int64_t column = index * width;
      const AttentionGradients gradients{dqueries + column, dkeys + column, dkeys + inputs.width + column};
      float* scratch = scratch_of(memory);
      for (const Segment& segment : family)
        differentiate(head, segment, dout.floats() + column, inputs.width, lse.floats() + index * inputs.rows, gradients,
                      scratch);
    });
  }

  const Setting setting;
};

}  // namespace

void register_attention() {
  const auto attributes = {"N: int >= 1", "heads: int", "scale: float", "causal: bool", "rate: float"};
  register_op("CaptrainAttention", attributes, {"parts: N * float", "segments: int32", "seed: int32"},
              {"out: float", "lse: float"});
  register_op("CaptrainAttentionGrad", attributes,
              {"dout: float", "parts: N * float", "segments: int32", "seed: int32", "lse: float"},
              {"gradients: N * float"});
  register_cpu_kernel<Attention>("CaptrainAttention");
  register_cpu_kernel<AttentionGrad>("CaptrainAttentionGrad");
}

}  // namespace captrain
