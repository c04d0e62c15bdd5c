#ifndef CAPTRAIN_KERNELS_MATH_ATTENTION_H_
#define CAPTRAIN_KERNELS_MATH_ATTENTION_H_

#include <cstdint>

#include "../instruction_set.h"

namespace captrain {

// What rows of a segment see of their own: nothing, those up to themselves, or all.
enum class Own { none, before, all };

// Rows [first, end) that all see the same rows, `seen`, and of their own what `own` says.
struct Segment {
  int64_t first, end;
  const int32_t* seen;
  int64_t seen_count;
  Own own;
};

// One head of an attention. Pointers are to this head's columns in row 0; a stride leads to the next row.
struct AttentionHead {
  const float* queries;
  int64_t query_stride;
  const float* keys;
  const float* values;
  int64_t key_stride;  // of keys and values
  int64_t width;
  float scale;
  // Dropout of the weights: one is kept where its random bits are at least `dropped` (0: no dropout), and grows by `growth`.
  uint32_t dropped;
  float growth;
  uint32_t seed[2];
  uint32_t head;
};

// Where the gradients of the same head go. `dqueries` is set, the others are added to; strides as in AttentionHead.
struct AttentionGradients {
  float* dqueries;
  float* dkeys;
  float* dvalues;
};

}  // namespace captrain

CAPTRAIN_MATH(
    // How many floats of scratch memory segments of at most this many keys need. It has to begin at a whole line (64 bytes).
    int64_t attention_scratch(int64_t width, int64_t keys);
    int64_t attention_gradient_scratch(int64_t width, int64_t keys);

    // Softmax attention of one head for a segment's rows: sets their out, and lse, the logarithm of the sum of the
    // exponentials of each row's scores. Rows that see nothing have out 0. Which weights are dropped is a function of
    // seed, head, row, and the key's place among those that the row sees.
    void attention(const AttentionHead& head, const Segment& segment, float* out, int64_t out_stride, float* lse,
                   float* scratch);

    // The gradients that this segment's rows give. The weights are computed again from the scores and lse.
    void attention_gradient(const AttentionHead& head, const Segment& segment, const float* dout, int64_t dout_stride,
                            const float* lse, const AttentionGradients& gradients, float* scratch);
)

#endif  // CAPTRAIN_KERNELS_MATH_ATTENTION_H_
