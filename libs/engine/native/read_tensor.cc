// The op CaptrainReadTensor: a range of a file, row-major values of a float type, straight into a float32 tensor. No
// second copy of the values exists, neither in JavaScript nor here.

#include "read_tensor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "status.h"
// Leaves out the declarations of rendezvous, whose header lies among TensorFlow's internal ones.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace captrain {
namespace {

// Values are read, converted and checked in pieces that stay in a processor's cache.
constexpr int64_t kPieceBytes = 1 << 18;
// From this many values on, several threads share them: most of the time goes into new pages of memory.
constexpr int64_t kValuesOfThread = 1 << 20;
constexpr int64_t kMaxThreads = 8;

struct ReadTensor {
  std::string path;
  int64_t offset = 0;
  TF_DataType source = TF_FLOAT;
  std::vector<int64_t> shape;
};

struct Fault {
  TF_Code code = TF_OK;
  std::string message;
};

class File {
 public:
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  bool is_open() const { return descriptor_ >= 0; }

  // Fills `bytes` from `offset`; false where the file ends before, or cannot be read.
  bool read(void* target, int64_t bytes, int64_t offset) const {
    auto* position = static_cast<char*>(target);
    while (bytes > 0) {
      const ssize_t count = pread(descriptor_, position, static_cast<size_t>(bytes), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      position += count;
      offset += count;
      bytes -= count;
    }
    return true;
  }

 private:
  int descriptor_;
};

// The float32 of an IEEE half. Subnormal ones are made from an integer: TensorFlow's threads flush subnormal floats to 0.
inline float from_half(uint16_t half) {
  const uint32_t magnitude = half & 0x7fff;
  const float subnormal = static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f;
  uint32_t subnormal_bits;
  std::memcpy(&subnormal_bits, &subnormal, sizeof subnormal_bits);
  uint32_t bits = magnitude < 0x0400 ? subnormal_bits : (magnitude << 13) + 0x38000000u;
  if (magnitude >= 0x7c00) bits |= 0x7f800000u;  // infinities and NaNs
  bits |= static_cast<uint32_t>(half & 0x8000) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float from_bfloat16(uint16_t upper) {
  const uint32_t bits = static_cast<uint32_t>(upper) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float from_double(double value) { return static_cast<float>(value); }

template <typename Source, float (*convert)(Source)>
void convert_all(const void* source, float* target, int64_t count) {
  const auto* values = static_cast<const Source*>(source);
  for (int64_t i = 0; i < count; ++i) target[i] = convert(values[i]);
}

// Infinities and NaNs are those with all bits of the exponent set.
bool all_finite(const float* values, int64_t count) {
  const auto* bits = reinterpret_cast<const uint32_t*>(values);
  uint32_t found = 0;
  for (int64_t i = 0; i < count; ++i) found |= (bits[i] & 0x7f800000u) == 0x7f800000u;
  return found == 0;
}

Fault not_finite(const float* values, int64_t count, int64_t first) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::isfinite(values[i])) continue;
    const char* what = std::isnan(values[i]) ? "NaN" : "infinite";
    return {TF_DATA_LOSS, "value " + std::to_string(first + i) + " is " + what};
  }
  return {};
}

// Reads the values from `first` up to `end` into their places.
Fault read_range(const ReadTensor& op, const File& file, float* target, int64_t first, int64_t end) {
  const int64_t width = static_cast<int64_t>(TF_DataTypeSize(op.source));
  const int64_t piece = kPieceBytes / width;
  std::unique_ptr<char[]> buffer(op.source == TF_FLOAT ? nullptr : new char[kPieceBytes]);
  for (; first < end; first += piece) {
    const int64_t values = std::min(piece, end - first);
    float* out = target + first;
    void* raw = op.source == TF_FLOAT ? static_cast<void*>(out) : buffer.get();
    if (!file.read(raw, values * width, op.offset + first * width)) {
      return {TF_OUT_OF_RANGE, op.path + " became shorter while it was read"};
    }
    if (op.source == TF_HALF) convert_all<uint16_t, from_half>(raw, out, values);
    if (op.source == TF_BFLOAT16) convert_all<uint16_t, from_bfloat16>(raw, out, values);
    if (op.source == TF_DOUBLE) convert_all<double, from_double>(raw, out, values);
    if (!all_finite(out, values)) return not_finite(out, values, first);
  }
  return {};
}

Fault read_values(const ReadTensor& op, float* target, int64_t count) {
  const File file(op.path);
  if (!file.is_open()) return {TF_NOT_FOUND, op.path + " cannot be opened: " + std::strerror(errno)};
  const int64_t processors = std::max<int64_t>(1, std::thread::hardware_concurrency());
  const int64_t parts = std::clamp<int64_t>(count / kValuesOfThread, 1, std::min(processors, kMaxThreads));
  std::vector<Fault> faults(static_cast<size_t>(parts));
  const auto read_part = [&](int64_t part) {
    faults[static_cast<size_t>(part)] = read_range(op, file, target, count * part / parts, count * (part + 1) / parts);
  };
  std::vector<std::thread> threads;
  for (int64_t part = 1; part < parts; ++part) threads.emplace_back(read_part, part);
  read_part(0);
  for (std::thread& thread : threads) thread.join();
  // The first in the file, whichever thread was faster.
  for (const Fault& fault : faults) {
    if (fault.code != TF_OK) return fault;
  }
  return {};
}

void* create(TF_OpKernelConstruction* construction) {
  auto op = std::make_unique<ReadTensor>();
  Status status;
  int32_t entries = 0;
  int32_t bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(construction, "path", &entries, &bytes, status);
  op->path.resize(static_cast<size_t>(std::max(bytes, 0)));
  TF_OpKernelConstruction_GetAttrString(construction, "path", op->path.data(), op->path.size(), status);
  TF_OpKernelConstruction_GetAttrInt64(construction, "offset", &op->offset, status);
  TF_OpKernelConstruction_GetAttrType(construction, "source", &op->source, status);
  TF_OpKernelConstruction_GetAttrSize(construction, "shape", &entries, &bytes, status);
  op->shape.resize(static_cast<size_t>(std::max(entries, 0)));
  TF_OpKernelConstruction_GetAttrInt64List(construction, "shape", op->shape.data(), entries, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  return op.release();
}

void compute(void* kernel, TF_OpKernelContext* context) {
  const auto& op = *static_cast<const ReadTensor*>(kernel);
  int64_t count = 1;
  for (const int64_t size : op.shape) count *= size;
  Status status;
  TF_Tensor* output = TF_AllocateOutput(context, 0, TF_FLOAT, op.shape.data(), static_cast<int>(op.shape.size()),
                                        static_cast<size_t>(count) * sizeof(float), status);
  if (TF_GetCode(status) == TF_OK) {
    const Fault fault = read_values(op, static_cast<float*>(TF_TensorData(output)), count);
    if (fault.code != TF_OK) TF_SetStatus(status, fault.code, fault.message.c_str());
  }
  if (output != nullptr) TF_DeleteTensor(output);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
}

// An op without one cannot be in a function.
void leave_shape_open(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

void destroy(void* kernel) { delete static_cast<ReadTensor*>(kernel); }

// On a GPU the values still arrive in the host's memory: that is where files are read to.
void register_kernel(const char* device) {
  Status status;
  TF_KernelBuilder* builder = TF_NewKernelBuilder("CaptrainReadTensor", device, create, compute, destroy);
  TF_KernelBuilder_HostMemory(builder, "values");
  TF_RegisterKernelBuilder("CaptrainReadTensor", builder, status);
  status.check();
}

}  // namespace

void register_read_tensor() {
  static bool registered = false;
  if (registered) return;
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder("CaptrainReadTensor");
  TF_OpDefinitionBuilderAddAttr(op, "path: string");
  TF_OpDefinitionBuilderAddAttr(op, "offset: int");
  TF_OpDefinitionBuilderAddAttr(op, "source: {float, half, bfloat16, double}");
  TF_OpDefinitionBuilderAddAttr(op, "shape: list(int)");
  TF_OpDefinitionBuilderAddOutput(op, "values: float");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, leave_shape_open);
  // The file may change between two calls.
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  Status status;
  TF_RegisterOpDefinition(op, status);
  status.check();
  register_kernel("CPU");
  register_kernel("GPU");
  registered = true;
}

}  // namespace captrain
