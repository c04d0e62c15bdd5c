// captrain's addon beside tfjs's: what the C API offers and tfjs does not expose, in the same eager context.

#include "background_copy.h"
#include "block_checksums.h"
#include "captured_context.h"
#include "collective_watch.h"
#include "functions.h"
#include "js.h"
#include "kernels/instruction_set.h"
#include "kernels/register.h"
#include "ops.h"
#include "profile.h"
#include "read_tensor.h"
#include "shape_graph.h"
#include "status.h"

namespace captrain {
namespace {

// listDevices(): [{name, type, bytes}], bytes being the memory that TensorFlow may use there.
napi_value list_devices(napi_env env, const std::vector<napi_value>&) {
  TFE_Context* context = captrain_captured_context();
  if (context == nullptr) throw BadArgument("TensorFlow's context does not exist yet: call startEngine first");
  Status status;
  TF_DeviceList* devices = TFE_ContextListDevices(context, status);
  status.check();
  const napi_value result = array(env);
  for (int i = 0; i < TF_DeviceListCount(devices); ++i) {
    const napi_value device = object(env);
    set(env, device, "name", from_string(env, TF_DeviceListName(devices, i, status)));
    set(env, device, "type", from_string(env, TF_DeviceListType(devices, i, status)));
    set(env, device, "bytes", from_double(env, static_cast<double>(TF_DeviceListMemoryBytes(devices, i, status))));
    push(env, result, device);
  }
  TF_DeleteDeviceList(devices);
  status.check();
  return result;
}

// setCollectiveServer(bytes): the serialised tensorflow.ServerDef by which this process takes part in collective ops. It
// has to be called before tfjs is loaded.
napi_value set_collective_server(napi_env env, const std::vector<napi_value>& arguments) {
  if (captrain_captured_context() != nullptr) throw BadArgument("TensorFlow's context exists already");
  const Bytes bytes = to_bytes(env, arguments.at(0));
  captrain_set_collective_server(bytes.data, bytes.length);
  return nullptr;
}

// collectiveFault(): why this process does not take part in collective ops; empty where it does.
napi_value collective_fault(napi_env env, const std::vector<napi_value>&) {
  return from_string(env, captrain_collective_fault());
}

// kernelInstructionSet(): what ops of our own compute with ("amx_bf16", "avx512_bf16", "avx512", "avx2"); "none": none.
napi_value kernel_instruction_set(napi_env env, const std::vector<napi_value>&) {
  return from_string(env, name_of(instruction_set()));
}

// addressOf(array): where a Float32Array lies and how many values it has, for ops that read or write the host's memory:
// [low, high] of the pointer and [low, high] of the count, as 32-bit numbers. Good as long as the array is alive.
napi_value address_of(napi_env env, const std::vector<napi_value>& arguments) {
  const Bytes bytes = to_bytes(env, arguments.at(0));
  const uint64_t numbers[] = {reinterpret_cast<uint64_t>(bytes.data), bytes.length / sizeof(float)};
  const napi_value result = array(env);
  for (const uint64_t number : numbers) {
    push(env, result, from_double(env, static_cast<int32_t>(number & 0xffffffff)));
    push(env, result, from_double(env, static_cast<int32_t>(number >> 32)));
  }
  return result;
}

// detach(array): takes a typed array's memory from it, and gives that back to the system.
napi_value detach(napi_env env, const std::vector<napi_value>& arguments) {
  napi_typedarray_type type;
  napi_value buffer;
  ok(napi_get_typedarray_info(env, arguments.at(0), &type, nullptr, nullptr, &buffer, nullptr), "a typed array");
  ok(napi_detach_arraybuffer(env, buffer), "an array whose memory can be taken");
  return nullptr;
}

}  // namespace
}  // namespace captrain

NAPI_MODULE_INIT() {
  using namespace captrain;
  try {
    register_read_tensor();
    register_kernels();
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return exports;
  }
  add_method<list_devices>(env, exports, "listDevices");
  add_method<set_collective_server>(env, exports, "setCollectiveServer");
  add_method<collective_fault>(env, exports, "collectiveFault");
  add_method<watch_collective>(env, exports, "watchCollective");
  add_method<kernel_instruction_set>(env, exports, "kernelInstructionSet");
  add_method<address_of>(env, exports, "addressOf");
  add_method<new_background_copy>(env, exports, "newBackgroundCopy");
  add_method<start_background_copy>(env, exports, "startBackgroundCopy");
  add_method<finish_background_copy>(env, exports, "finishBackgroundCopy");
  add_method<new_block_checksums>(env, exports, "newBlockChecksums");
  add_method<start_block_checksums>(env, exports, "startBlockChecksums");
  add_method<detach>(env, exports, "detach");
  add_method<add_function_def>(env, exports, "addFunctionDef");
  add_method<define_function>(env, exports, "defineFunction");
  add_method<has_function>(env, exports, "hasFunction");
  add_method<remove_function>(env, exports, "removeFunction");
  add_method<open_shape_graph>(env, exports, "openShapeGraph");
  add_method<add_to_shape_graph>(env, exports, "addToShapeGraph");
  add_method<close_shape_graph>(env, exports, "closeShapeGraph");
  add_method<op_list>(env, exports, "opList");
  add_method<kernels_of>(env, exports, "kernelsOf");
  add_method<start_profile>(env, exports, "startProfile");
  add_method<stop_profile>(env, exports, "stopProfile");
  return exports;
}
