// Keeps the eager context that tfjs's binding makes, so that captrain's own addon can use it too.
//
// tfjs's sources are compiled untouched; the link flag `--wrap` sends their calls here first.

#include "captured_context.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/log/globals.h"
#include "tensorflow/c/c_api_experimental.h"

// TF_CPP_MIN_LOG_LEVEL (0 everything, 1 from warnings, 2 from errors, 3 fatal only) silences only the part of TensorFlow
// that logs through its own macros; the rest logs through Abseil, which has to be told.
static void apply_log_level() {
  const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level != nullptr) absl::SetMinLogLevel(static_cast<absl::LogSeverityAtLeast>(std::atoi(level)));
}

extern "C" {

TFE_Context* __real_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);
TF_Tensor* __real_TF_NewTensor(TF_DataType dtype, const int64_t* dims, int num_dims, void* data, size_t bytes,
                               void (*deallocator)(void*, size_t, void*), void* deallocator_arg);

static TFE_Context* captured_context = nullptr;
static std::string collective_server;
static std::string collective_fault;

// A process in a collective has devices of other names, and tfjs keeps them as soon as it has its context. A failure is
// not tfjs's to know: it would go on without a context, and crash.
static void enable_collectives() {
  TF_Status* status = TF_NewStatus();
  TFE_EnableCollectiveOps(captured_context, collective_server.data(), collective_server.size(), status);
  if (TF_GetCode(status) != TF_OK) collective_fault = TF_Message(status);
  TF_DeleteStatus(status);
}

TFE_Context* __wrap_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  apply_log_level();
  captured_context = __real_TFE_NewContext(options, status);
  if (captured_context != nullptr && !collective_server.empty()) enable_collectives();
  return captured_context;
}

// tfjs lends TensorFlow the memory of JavaScript's typed arrays, with a deallocator that calls into Node. TensorFlow
// may drop its last reference on one of its own threads, where that call is forbidden, and a caller who writes into
// his array changes the tensor. (It only happens to arrays that are aligned to 64 bytes: TensorFlow copies all others.)
// So the bytes are always copied, once, here, on the thread that owns the array.
TF_Tensor* __wrap_TF_NewTensor(TF_DataType dtype, const int64_t* dims, int num_dims, void* data, size_t bytes,
                               void (*deallocator)(void*, size_t, void*), void* deallocator_arg) {
  TF_Tensor* tensor = TF_AllocateTensor(dtype, dims, num_dims, bytes);
  if (tensor == nullptr) return nullptr;
  if (bytes != 0) std::memcpy(TF_TensorData(tensor), data, bytes);
  deallocator(data, bytes, deallocator_arg);
  return tensor;
}

__attribute__((visibility("default"))) TFE_Context* captrain_captured_context() { return captured_context; }

__attribute__((visibility("default"))) void captrain_set_collective_server(const void* server_def, size_t bytes) {
  collective_server.assign(static_cast<const char*>(server_def), bytes);
}

__attribute__((visibility("default"))) const char* captrain_collective_fault() { return collective_fault.c_str(); }
}
