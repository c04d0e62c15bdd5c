#ifndef CAPTRAIN_BACKGROUND_COPY_H_
#define CAPTRAIN_BACKGROUND_COPY_H_

#include <mutex>
#include <vector>

#include "held_tensors.h"

namespace captrain {

// A copy of tensors' values to an array, by a thread that is not TensorFlow's.
class BackgroundCopy {
 public:
  BackgroundCopy(float* into, int64_t values) : held(values), into_(into) {}

  // Copies, and lets go of the tensors; where another thread does so, waits for it; where it is done, does nothing.
  void finish();

  HeldTensors held;

 private:
  float* into_;
  std::once_flag once_;
};

// newBackgroundCopy(array): {handle, address}; the op CaptrainHold is given the tensors and this address.
// startBackgroundCopy(handle, array) then gives a promise, and finishBackgroundCopy(handle) returns when it is done.
napi_value new_background_copy(napi_env env, const std::vector<napi_value>& arguments);
napi_value start_background_copy(napi_env env, const std::vector<napi_value>& arguments);
napi_value finish_background_copy(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_BACKGROUND_COPY_H_
