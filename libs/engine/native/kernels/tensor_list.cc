#include "tensor_list.h"

#include <algorithm>

#include "thread_pool.h"

namespace captrain {
namespace {

constexpr int64_t kPieceValues = 1 << 16;

}  // namespace

int64_t from_halves(const int32_t* halves) {
  return static_cast<int64_t>(static_cast<uint32_t>(halves[0]) | static_cast<uint64_t>(static_cast<uint32_t>(halves[1])) << 32);
}

std::vector<Tensor> input_list(const Context& context, int64_t first, int64_t count) {
  std::vector<Tensor> tensors;
  tensors.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) tensors.push_back(context.input(static_cast<int>(first + i)));
  return tensors;
}

int64_t values_of(const std::vector<Tensor>& tensors) {
  int64_t values = 0;
  for (const Tensor& tensor : tensors) values += tensor.size();
  return values;
}

void parallel_pieces(const std::vector<Tensor>& tensors, const std::function<void(const Piece&)>& work) {
  std::vector<Piece> pieces;
  int64_t offset = 0;
  for (size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const int64_t size = tensors[tensor].size();
    for (int64_t first = 0; first < size; first += kPieceValues)
      pieces.push_back({tensor, first, std::min(kPieceValues, size - first), offset + first});
    offset += size;
  }
  parallel_for(static_cast<int64_t>(pieces.size()),
               [&](int64_t piece) { work(pieces[static_cast<size_t>(piece)]); });
}

float* host_floats(const Tensor& address, int64_t count) {
  require(address.size() == 4, "an address has four int32 values, not " + std::to_string(address.size()));
  const int64_t lent = from_halves(address.ints() + 2);
  require(lent == count,
          "an array of " + std::to_string(lent) + " values for tensors of " + std::to_string(count));
  float* floats = reinterpret_cast<float*>(from_halves(address.ints()));
  require(floats != nullptr || count == 0, "there is no array at this address");
  return floats;
}

}  // namespace captrain
