#include "held_tensors.h"

#include "kernels/tensor_list.h"

namespace captrain {

void HeldTensors::hold(std::vector<Tensor>&& tensors) {
  const int64_t values = values_of(tensors);
  require(values == values_,
          "an array of " + std::to_string(values_) + " values for tensors of " + std::to_string(values));
  tensors_ = std::move(tensors);
}

napi_value handle_and_address(napi_env env, napi_value handle, const HeldTensors& held) {
  const auto pointer = reinterpret_cast<uint64_t>(&held);
  const napi_value address = array(env);
  push(env, address, from_double(env, static_cast<int32_t>(pointer & 0xffffffff)));
  push(env, address, from_double(env, static_cast<int32_t>(pointer >> 32)));
  const napi_value result = object(env);
  set(env, result, "handle", handle);
  set(env, result, "address", address);
  return result;
}

}  // namespace captrain
