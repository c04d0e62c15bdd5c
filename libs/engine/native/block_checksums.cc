#include "block_checksums.h"

#include <algorithm>
#include <memory>

#include "background.h"
#include "kernels/thread_pool.h"
#include "sums/crc32c.h"

namespace captrain {

void BlockChecksums::run() {
  // Where each tensor's values end, counted through the list.
  std::vector<int64_t> ends;
  for (const Tensor& tensor : held.tensors()) ends.push_back((ends.empty() ? 0 : ends.back()) + tensor.size());
  const int64_t values = held.values();
  checksums_.resize(static_cast<size_t>((values + block_ - 1) / block_));
  parallel_blocks(values, block_, [&](int64_t first, int64_t end) {
    checksums_[static_cast<size_t>(first / block_)] = checksum(first, end, ends);
  });
  held.let_go();
}

uint32_t BlockChecksums::checksum(int64_t first, int64_t end, const std::vector<int64_t>& ends) const {
  Crc32c crc;
  auto index = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), first) - ends.begin());
  while (first < end) {
    const Tensor& tensor = held.tensors()[index];
    const int64_t count = std::min(end, ends[index]) - first;
    const float* from = tensor.floats() + (first - (ends[index] - tensor.size()));
    crc.add(reinterpret_cast<const uint8_t*>(from), static_cast<size_t>(count) * sizeof(float));
    first += count;
    ++index;
  }
  return crc.value();
}

namespace {

struct Checking : Background {
  explicit Checking(const std::shared_ptr<BlockChecksums>& blocks) : blocks(blocks) {}
  void run() override { blocks->run(); }
  napi_value result(napi_env env) override {
    const napi_value result = array(env);
    for (const uint32_t checksum : blocks->checksums()) push(env, result, from_double(env, checksum));
    return result;
  }
  const std::shared_ptr<BlockChecksums> blocks;
};

}  // namespace

napi_value new_block_checksums(napi_env env, const std::vector<napi_value>& arguments) {
  const int64_t values = to_int(env, arguments.at(0));
  const int64_t block = to_int(env, arguments.at(1));
  if (block < 1) throw BadArgument("expected blocks of at least one value");
  return to_handle(env, std::make_shared<BlockChecksums>(values, block));
}

napi_value start_block_checksums(napi_env env, const std::vector<napi_value>& arguments) {
  auto checking = std::make_unique<Checking>(from_handle<BlockChecksums>(env, arguments.at(0)));
  return Background::start(env, std::move(checking), arguments.at(0));
}

}  // namespace captrain
