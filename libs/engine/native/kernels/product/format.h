#ifndef CAPTRAIN_KERNELS_PRODUCT_FORMAT_H_
#define CAPTRAIN_KERNELS_PRODUCT_FORMAT_H_

#include <cstdint>

namespace captrain {

// Lines of a panel of the left and of the right factor: a tile of sums that fits the registers.
constexpr int64_t kRows = 8;
constexpr int64_t kColumns = 48;
constexpr int64_t kWordsOfFetch = 8;

// Values that are needed next, as runs of cache lines: `count` lines in all, in runs of `run` that begin `stride` bytes
// apart. A product asks for them one by one while it multiplies: asked for all at once, the processor forgets most.
struct Ahead {
  const char* at;  // the next line
  int64_t left;    // lines of this run
  int64_t run;
  int64_t stride;
  int64_t count;
};

// A block of a product: `rows` × `columns` (at most kColumns) values of c, `stride` values apart from row to row.
struct Block {
  const uint32_t* a;  // panels of kRows rows, `a_panel` words apart
  int64_t a_panel;
  const uint32_t* b;  // one panel of kColumns columns
  int64_t words;      // deep
  float* c;
  int64_t stride;
  int64_t rows;
  int64_t columns;
  bool add;           // to what c holds, instead of setting it
  const float* bias;  // for each column, added last; or null
};

// Factors of a product as its inner loop reads them, in words of 32 bits: a float32, or two depths in bfloat16. The lines
// of a factor (rows of a, columns of b) are cut into panels of `width` lines (kRows or kColumns), the last filled up with
// zeros. A panel holds, for each word's depths, `width` words, one a line. Panels lie `panel` words apart: at least
// ⌈depth / depths⌉ · width, a multiple of 16. Subnormal values become zero.
struct Format {
  // Of a word. Where it holds several, the first is in its low bits, and a last word that is not full ends in zeros.
  int64_t depths;

  // Packs from values whose depths lie one after another: line l, depth k at in[l · stride + k].
  void (*pack_lines)(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                     uint32_t* out);

  // Packs from values whose lines lie one after another: line l, depth k at in[k · stride + l].
  void (*pack_depths)(const float* in, int64_t stride, int64_t lines, int64_t depth, int64_t width, int64_t panel,
                      uint32_t* out);

  // Computes a block, and fetches one line for every kWordsOfFetch words of a tile. The sum of each value runs over the
  // words in ascending order, in one float32 accumulator; so its bits do not depend on how a product is cut into blocks.
  void (*multiply)(const Block& block, Ahead& ahead);
};

// By AVX-512: fused multiply-adds.
extern const Format kFloat32;

// By AVX-512 with bfloat16: rounded to nearest even, one vdpbf16ps for each pair of depths.
extern const Format kBfloat16;

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_PRODUCT_FORMAT_H_
