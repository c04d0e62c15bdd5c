#ifndef CAPTRAIN_BACKGROUND_COPY_H_
#define CAPTRAIN_BACKGROUND_COPY_H_

#include <mutex>
#include <vector>

#include "js.h"
#include "kernels/op.h"

namespace captrain {

// A copy of tensors' values to an array, by a thread that is not TensorFlow's. It holds the tensors' buffers until it has
// copied them, so they may be disposed of meanwhile; but nothing may change them in place.
class BackgroundCopy {
 public:
  explicit BackgroundCopy(float* into, int64_t values) : into_(into), values_(values) {}

  // Throws where the tensors have another number of values than the array.
  void hold(std::vector<Tensor>&& tensors);
  // Copies, and lets go of the tensors; where another thread does so, waits for it; where it is done, does nothing.
  void finish();

 private:
  float* into_;
  int64_t values_;
  std::vector<Tensor> tensors_;
  std::once_flag once_;
};

// newBackgroundCopy(array): {handle, address}; the op CaptrainHoldForCopy is given the tensors and this address (an int32
// tensor of two: low and high). startBackgroundCopy(handle, array) then gives a promise, and finishBackgroundCopy(handle)
// returns when it is done.
napi_value new_background_copy(napi_env env, const std::vector<napi_value>& arguments);
napi_value start_background_copy(napi_env env, const std::vector<napi_value>& arguments);
napi_value finish_background_copy(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_BACKGROUND_COPY_H_
