#include "background_copy.h"

#include <memory>

#include "background.h"
#include "kernels/math/stream_copy.h"
#include "kernels/tensor_list.h"

namespace captrain {

void BackgroundCopy::hold(std::vector<Tensor>&& tensors) {
  const int64_t values = values_of(tensors);
  require(values == values_,
          "an array of " + std::to_string(values_) + " values for tensors of " + std::to_string(values));
  tensors_ = std::move(tensors);
}

void BackgroundCopy::finish() {
  std::call_once(once_, [this] {
    const auto copy = CAPTRAIN_BEST(stream_copy);
    float* to = into_;
    for (const Tensor& tensor : tensors_) {
      copy(tensor.floats(), tensor.size(), to);
      to += tensor.size();
    }
    tensors_.clear();
  });
}

namespace {

using Shared = std::shared_ptr<BackgroundCopy>;

struct Copying : Background {
  explicit Copying(const Shared& copy) : copy(copy) {}
  void run() override { copy->finish(); }
  napi_value result(napi_env env) override {
    napi_value undefined;
    ok(napi_get_undefined(env, &undefined), "undefined");
    return undefined;
  }
  const Shared copy;
};

const Shared& to_copy(napi_env env, napi_value handle) {
  void* copy;
  ok(napi_get_value_external(env, handle, &copy), "a handle");
  return *static_cast<Shared*>(copy);
}

}  // namespace

napi_value new_background_copy(napi_env env, const std::vector<napi_value>& arguments) {
  const Bytes into = to_bytes(env, arguments.at(0));
  auto copy = std::make_unique<Shared>(
      std::make_shared<BackgroundCopy>(static_cast<float*>(const_cast<void*>(into.data)), into.length / sizeof(float)));
  const auto pointer = reinterpret_cast<uint64_t>(copy->get());
  napi_value handle;
  const auto let_go = [](napi_env, void* data, void*) { delete static_cast<Shared*>(data); };
  ok(napi_create_external(env, copy.get(), let_go, nullptr, &handle), "a handle");
  copy.release();
  const napi_value address = array(env);
  push(env, address, from_double(env, static_cast<int32_t>(pointer & 0xffffffff)));
  push(env, address, from_double(env, static_cast<int32_t>(pointer >> 32)));
  const napi_value result = object(env);
  set(env, result, "handle", handle);
  set(env, result, "address", address);
  return result;
}

napi_value start_background_copy(napi_env env, const std::vector<napi_value>& arguments) {
  return Background::start(env, std::make_unique<Copying>(to_copy(env, arguments.at(0))), arguments.at(1));
}

napi_value finish_background_copy(napi_env env, const std::vector<napi_value>& arguments) {
  to_copy(env, arguments.at(0))->finish();
  return nullptr;
}

}  // namespace captrain
