#ifndef CAPTRAIN_KERNELS_THREAD_POOL_H_
#define CAPTRAIN_KERNELS_THREAD_POOL_H_

#include <cstdint>
#include <functional>

namespace captrain {

// Threads that kernels of our own share their work among: TF_NUM_INTRAOP_THREADS of them, or one for each processor.
// The C API does not lend TensorFlow's own pool to kernels.
int64_t kernel_threads();

// Calls work(task) for the tasks 0…count−1, on the calling thread and the pool's, and returns when all are done. Which
// thread takes which task is left to chance, so a kernel whose bits must not depend on it gives every task its own place
// to write to, and cuts tasks by the shape of its tensors, never by the number of threads. Subnormal values are flushed
// to zero meanwhile, as on TensorFlow's threads.
void parallel_for(int64_t count, const std::function<void(int64_t)>& work);

// The same over the rows 0…rows−1 in blocks of `block` rows: work(first, end).
inline void parallel_blocks(int64_t rows, int64_t block, const std::function<void(int64_t, int64_t)>& work) {
  parallel_for((rows + block - 1) / block, [&](int64_t task) {
    const int64_t first = task * block;
    work(first, first + block < rows ? first + block : rows);
  });
}

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_THREAD_POOL_H_
