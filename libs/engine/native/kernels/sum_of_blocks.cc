#include "sum_of_blocks.h"

#include <algorithm>
#include <vector>

#include "math/accumulate.h"
#include "thread_pool.h"

namespace captrain {
namespace {

constexpr int64_t kBlock = 64;

}  // namespace

void sum_of_blocks(int64_t rows, int64_t width, float* out,
                   const std::function<void(int64_t, int64_t, float*)>& sum) {
  const int64_t blocks = std::max<int64_t>(1, (rows + kBlock - 1) / kBlock);
  // The first goes straight to its place.
  std::vector<float> parts(static_cast<size_t>((blocks - 1) * width));
  parallel_for(blocks, [&](int64_t block) {
    const int64_t first = block * kBlock;
    sum(first, std::min(first + kBlock, rows), block == 0 ? out : parts.data() + (block - 1) * width);
  });
  for (int64_t block = 1; block < blocks; ++block)
    CAPTRAIN_BEST(accumulate)(parts.data() + (block - 1) * width, width, out);
}

}  // namespace captrain
