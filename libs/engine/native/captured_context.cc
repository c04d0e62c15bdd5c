// Keeps the eager context that tfjs's binding makes, so that captrain's own addon can use it too.
//
// tfjs's sources are compiled untouched; the link flag `--wrap` sends their calls here first.

#include "captured_context.h"

#include <cstdlib>
#include <cstring>

#include "absl/log/globals.h"

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

TFE_Context* __wrap_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  apply_log_level();
  captured_context = __real_TFE_NewContext(options, status);
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
}
