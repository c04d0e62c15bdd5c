#ifndef CAPTRAIN_HELD_TENSORS_H_
#define CAPTRAIN_HELD_TENSORS_H_

#include <memory>
#include <vector>

#include "js.h"
#include "kernels/op.h"

namespace captrain {

// Float32 tensors whose buffers a thread that is not TensorFlow's looks at. It holds them until it is done, so they may be
// disposed of meanwhile; but nothing may change them in place.
class HeldTensors {
 public:
  explicit HeldTensors(int64_t values) : values_(values) {}

  // Called by the op CaptrainHold. Throws where the tensors have another number of values than is worked on.
  void hold(std::vector<Tensor>&& tensors);
  void let_go() { tensors_.clear(); }

  // Of all tensors together.
  int64_t values() const { return values_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  int64_t values_;
  std::vector<Tensor> tensors_;
};

// {handle, address}: work as JavaScript keeps it, and where its tensors are to be held, as the op CaptrainHold takes it
// (an int32 tensor of two: low and high).
napi_value handle_and_address(napi_env env, napi_value handle, const HeldTensors& held);

// `Work` has its tensors as `held`.
template <typename Work>
napi_value to_handle(napi_env env, const std::shared_ptr<Work>& work) {
  using Shared = std::shared_ptr<Work>;
  auto shared = std::make_unique<Shared>(work);
  napi_value handle;
  const auto let_go = [](napi_env, void* data, void*) { delete static_cast<Shared*>(data); };
  ok(napi_create_external(env, shared.get(), let_go, nullptr, &handle), "a handle");
  shared.release();
  return handle_and_address(env, handle, work->held);
}

template <typename Work>
const std::shared_ptr<Work>& from_handle(napi_env env, napi_value handle) {
  void* work;
  ok(napi_get_value_external(env, handle, &work), "a handle");
  return *static_cast<std::shared_ptr<Work>*>(work);
}

}  // namespace captrain

#endif  // CAPTRAIN_HELD_TENSORS_H_
