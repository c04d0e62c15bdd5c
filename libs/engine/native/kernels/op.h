// Ops of our own over TensorFlow's C kernel API, with less ceremony: an op is a class that is made from its attributes
// and computes from a context; what either throws becomes the op's error.
//
// An op writes new outputs. One that changes an input's buffer in place (an optimizer) says so in its name and comment,
// is registered as stateful, and is only ever given tensors that the caller owns alone.

#ifndef CAPTRAIN_KERNELS_OP_H_
#define CAPTRAIN_KERNELS_OP_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "../status.h"
// Leaves out the declarations of rendezvous, whose header lies among TensorFlow's internal ones.
#ifndef IS_SLIM_BUILD
#define IS_SLIM_BUILD
#endif
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace captrain {

using Shape = std::vector<int64_t>;

int64_t size_of(const Shape& shape);
// "[8, 768]"
std::string text_of(const Shape& shape);

// A tensor that a kernel reads or writes; it lets go of it when it goes out of scope.
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor, TF_DeleteTensor) {}
  Shape shape() const;
  int64_t dim(int index) const { return TF_Dim(tensor_.get(), index); }
  int rank() const { return TF_NumDims(tensor_.get()); }
  int64_t size() const { return TF_TensorElementCount(tensor_.get()); }
  // All dimensions but the last as rows, and the last.
  int64_t rows() const { return columns() == 0 ? 0 : size() / columns(); }
  int64_t columns() const { return rank() == 0 ? 1 : dim(rank() - 1); }
  float* floats() const { return static_cast<float*>(TF_TensorData(tensor_.get())); }
  int32_t* ints() const { return static_cast<int32_t*>(TF_TensorData(tensor_.get())); }
  template <typename T>
  T* data() const { return static_cast<T*>(TF_TensorData(tensor_.get())); }

 private:
  std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)> tensor_;
};

// The attributes of an op whose kernel is being made.
class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* construction) : construction_(construction) {}
  int64_t integer(const char* name) const;
  float real(const char* name) const;
  bool boolean(const char* name) const;
  std::string text(const char* name) const;
  std::vector<int64_t> integers(const char* name) const;

 private:
  TF_OpKernelConstruction* construction_;
};

// One execution of an op.
class Context {
 public:
  explicit Context(TF_OpKernelContext* context) : context_(context) {}
  int inputs() const { return TF_NumInputs(context_); }
  Tensor input(int index) const;
  Tensor output(int index, const Shape& shape, TF_DataType dtype = TF_FLOAT) const;
  // An output of an input's shape, in the input's own buffer where nobody else needs it. To be called before `input` is
  // called for that one: a kernel that holds the input is somebody else.
  Tensor output_in_place_of(int input, int index) const;

 private:
  TF_OpKernelContext* context_;
};

// Throws with this message where a condition that the caller has to keep does not hold.
void require(bool condition, const std::string& message);

// Registers an op by what tensorflow/c/ops.h understands, such as "x: float", "parts: N * float", "epsilon: float".
void register_op(const char* name, std::initializer_list<const char*> attributes,
                 std::initializer_list<const char*> inputs, std::initializer_list<const char*> outputs,
                 bool stateful = false);

void fail(TF_OpKernelContext* context, const char* message);
void fail(TF_OpKernelConstruction* construction, const char* message);

// Registers a kernel for CPUs: `Op` has a constructor from `const Attributes&`, and `void compute(const Context&) const`.
template <typename Op>
void register_cpu_kernel(const char* name) {
  const auto create = [](TF_OpKernelConstruction* construction) -> void* {
    try {
      return new Op(Attributes(construction));
    } catch (const std::exception& error) {
      fail(construction, error.what());
      return nullptr;
    }
  };
  const auto compute = [](void* op, TF_OpKernelContext* context) {
    try {
      static_cast<const Op*>(op)->compute(Context(context));
    } catch (const std::exception& error) {
      fail(context, error.what());
    }
  };
  const auto destroy = [](void* op) { delete static_cast<Op*>(op); };
  Status status;
  TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", create, compute, destroy);
  TF_RegisterKernelBuilder(name, builder, status);
  status.check();
}

}  // namespace captrain

#endif  // CAPTRAIN_KERNELS_OP_H_
