// Lists of tensors ("parts: N * float") that a kernel walks through as if their values stood one behind the other.

#ifndef CAPTRAIN_KERNELS_TENSOR_LIST_H_
#define CAPTRAIN_KERNELS_TENSOR_LIST_H_

#include <functional>
#include <vector>

#include "op.h"

namespace captrain {

// The inputs first…first+count−1 of an op.
std::vector<Tensor> input_list(const Context& context, int64_t first, int64_t count);

// How many values they have together.
int64_t values_of(const std::vector<Tensor>& tensors);

// Some values of one tensor of a list.
struct Piece {
  size_t tensor;
  int64_t first;   // within the tensor
  int64_t count;
  int64_t offset;  // of its first value, counted through the whole list
};

// Calls work(piece) for all values of the tensors, on all threads, in pieces of a size that suits streams of memory.
void parallel_pieces(const std::vector<Tensor>& tensors, const std::function<void(const Piece&)>& work);

// A number, or a pointer, of its low and its high half.
int64_t from_halves(const int32_t* halves);

// Floats of the host that an op is lent by their address: an int32 tensor of [low, high] of the pointer and [low, high]
// of how many there are. Throws where there are not exactly `count`.
float* host_floats(const Tensor& address, int64_t count);

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_TENSOR_LIST_H_
