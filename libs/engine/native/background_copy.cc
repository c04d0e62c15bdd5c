#include "background_copy.h"

#include <memory>

#include "background.h"
#include "kernels/math/stream_copy.h"

namespace captrain {

void BackgroundCopy::finish() {
  std::call_once(once_, [this] {
    const auto copy = CAPTRAIN_BEST(stream_copy);
    float* to = into_;
    for (const Tensor& tensor : held.tensors()) {
      copy(tensor.floats(), tensor.size(), to);
      to += tensor.size();
    }
    held.let_go();
  });
}

namespace {

struct Copying : Background {
  explicit Copying(const std::shared_ptr<BackgroundCopy>& copy) : copy(copy) {}
  void run() override { copy->finish(); }
  napi_value result(napi_env env) override {
    napi_value undefined;
    ok(napi_get_undefined(env, &undefined), "undefined");
    return undefined;
  }
  const std::shared_ptr<BackgroundCopy> copy;
};

}  // namespace

napi_value new_background_copy(napi_env env, const std::vector<napi_value>& arguments) {
  const Bytes into = to_bytes(env, arguments.at(0));
  auto* floats = static_cast<float*>(const_cast<void*>(into.data));
  return to_handle(env, std::make_shared<BackgroundCopy>(floats, into.length / sizeof(float)));
}

napi_value start_background_copy(napi_env env, const std::vector<napi_value>& arguments) {
  auto copying = std::make_unique<Copying>(from_handle<BackgroundCopy>(env, arguments.at(0)));
  return Background::start(env, std::move(copying), arguments.at(1));
}

napi_value finish_background_copy(napi_env env, const std::vector<napi_value>& arguments) {
  from_handle<BackgroundCopy>(env, arguments.at(0))->finish();
  return nullptr;
}

}  // namespace captrain
