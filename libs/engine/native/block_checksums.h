#ifndef CAPTRAIN_BLOCK_CHECKSUMS_H_
#define CAPTRAIN_BLOCK_CHECKSUMS_H_

#include <vector>

#include "held_tensors.h"

namespace captrain {

// The CRC-32C of every block of so many values of a list of tensors, laid one behind the other, from where they stand.
class BlockChecksums {
 public:
  BlockChecksums(int64_t values, int64_t block) : held(values), block_(block) {}

  // On all threads; lets go of the tensors.
  void run();
  const std::vector<uint32_t>& checksums() const { return checksums_; }

  HeldTensors held;

 private:
  uint32_t checksum(int64_t first, int64_t end, const std::vector<int64_t>& ends) const;

  int64_t block_;
  std::vector<uint32_t> checksums_;
};

// newBlockChecksums(values, block): {handle, address}; the op CaptrainHold is given the tensors and this address.
// startBlockChecksums(handle) then gives a promise of the checksums.
napi_value new_block_checksums(napi_env env, const std::vector<napi_value>& arguments);
napi_value start_block_checksums(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_BLOCK_CHECKSUMS_H_
