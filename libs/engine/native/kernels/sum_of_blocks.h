// Sums over many rows, by several threads and yet in one order.

#ifndef CAPTRAIN_KERNELS_SUM_OF_BLOCKS_H_
#define CAPTRAIN_KERNELS_SUM_OF_BLOCKS_H_

#include <cstdint>
#include <functional>

namespace captrain {

// out[width] = the sum over rows, where sum(first, end, part) sets part[width] to that of some of them. The parts are
// added up in the order of the rows, whoever computed them.
void sum_of_blocks(int64_t rows, int64_t width, float* out,
                   const std::function<void(int64_t first, int64_t end, float* part)>& sum);

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_SUM_OF_BLOCKS_H_
