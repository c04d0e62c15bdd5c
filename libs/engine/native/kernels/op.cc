#include "op.h"

namespace captrain {

int64_t size_of(const Shape& shape) {
  int64_t size = 1;
  for (const int64_t dim : shape) size *= dim;
  return size;
}

std::string text_of(const Shape& shape) {
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : ", ") + std::to_string(dim);
  return "[" + text + "]";
}

Shape Tensor::shape() const {
  Shape shape;
  for (int i = 0; i < rank(); ++i) shape.push_back(dim(i));
  return shape;
}

int64_t Attributes::integer(const char* name) const {
  Status status;
  int64_t value = 0;
  TF_OpKernelConstruction_GetAttrInt64(construction_, name, &value, status);
  status.check();
  return value;
}

float Attributes::real(const char* name) const {
  Status status;
  float value = 0;
  TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status);
  status.check();
  return value;
}

bool Attributes::boolean(const char* name) const {
  Status status;
  TF_Bool value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction_, name, &value, status);
  status.check();
  return value != 0;
}

std::string Attributes::text(const char* name) const {
  Status status;
  int32_t entries = 0;
  int32_t bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(construction_, name, &entries, &bytes, status);
  status.check();
  std::string value(static_cast<size_t>(bytes), '\0');
  TF_OpKernelConstruction_GetAttrString(construction_, name, value.data(), value.size(), status);
  status.check();
  return value;
}

std::vector<int64_t> Attributes::integers(const char* name) const {
  Status status;
  int32_t entries = 0;
  int32_t bytes = 0;
  TF_OpKernelConstruction_GetAttrSize(construction_, name, &entries, &bytes, status);
  status.check();
  std::vector<int64_t> values(static_cast<size_t>(entries));
  TF_OpKernelConstruction_GetAttrInt64List(construction_, name, values.data(), entries, status);
  status.check();
  return values;
}

Tensor Context::input(int index) const {
  Status status;
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context_, index, &tensor, status);
  status.check();
  return Tensor(tensor);
}

Tensor Context::output(int index, const Shape& shape, TF_DataType dtype) const {
  Status status;
  const size_t bytes = static_cast<size_t>(size_of(shape)) * TF_DataTypeSize(dtype);
  TF_Tensor* tensor =
      TF_AllocateOutput(context_, index, dtype, shape.data(), static_cast<int>(shape.size()), bytes, status);
  status.check();
  return Tensor(tensor);
}

Tensor Context::output_in_place_of(int input, int index) const {
  const Shape shape = this->input(input).shape();
  Status status;
  int forwarded = -1;
  TF_Tensor* tensor = TF_ForwardInputOrAllocateOutput(context_, &input, 1, index, shape.data(),
                                                      static_cast<int>(shape.size()), &forwarded, status);
  status.check();
  return Tensor(tensor);
}

void require(bool condition, const std::string& message) {
  if (!condition) throw BadArgument(message);
}

void register_op(const char* name, std::initializer_list<const char*> attributes,
                 std::initializer_list<const char*> inputs, std::initializer_list<const char*> outputs,
                 bool stateful) {
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  // TensorFlow's function does not look at its argument: whoever calls it makes the op stateful.
  if (stateful) TF_OpDefinitionBuilderSetIsStateful(op, true);
  // A function may hold the op only where it has one. That nothing is known of the outputs suffices: what recording needs
  // to know is in ../../src/compile/own-op-shapes.ts, since the C API shows such a function no attributes but types.
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  Status status;
  TF_RegisterOpDefinition(op, status);
  status.check();
}

void fail(TF_OpKernelContext* context, const char* message) {
  Status status;
  TF_SetStatus(status, TF_INVALID_ARGUMENT, message);
  TF_OpKernelContext_Failure(context, status);
}

void fail(TF_OpKernelConstruction* construction, const char* message) {
  Status status;
  TF_SetStatus(status, TF_INVALID_ARGUMENT, message);
  TF_OpKernelConstruction_Failure(construction, status);
}

}  // namespace captrain
