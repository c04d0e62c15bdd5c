// What TensorFlow knows about its ops, as it serialises it: `../src/compile/op-definitions.ts` reads the few fields wanted.

#include "ops.h"

#include <memory>

#include "status.h"

namespace captrain {
namespace {

using Buffer = std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)>;

napi_value to_bytes_of_js(napi_env env, const Buffer& buffer) {
  if (buffer == nullptr) throw BadArgument("TensorFlow does not list its ops");
  napi_value result;
  ok(napi_create_buffer_copy(env, buffer->length, buffer->data, nullptr, &result), "a buffer");
  return result;
}

}  // namespace

napi_value op_list(napi_env env, const std::vector<napi_value>&) {
  return to_bytes_of_js(env, Buffer(TF_GetAllOpList(), TF_DeleteBuffer));
}

napi_value kernels_of(napi_env env, const std::vector<napi_value>& arguments) {
  Status status;
  const Buffer kernels(TF_GetRegisteredKernelsForOp(to_string(env, arguments.at(0)).c_str(), status), TF_DeleteBuffer);
  status.check();
  return to_bytes_of_js(env, kernels);
}

}  // namespace captrain
