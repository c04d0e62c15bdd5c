// Attributes of a graph node, by kind.

#include "attributes.h"

#include <cstring>
#include <memory>

#include "status.h"

namespace captrain {
namespace {

TF_DataType to_dtype(napi_env env, napi_value value) { return static_cast<TF_DataType>(to_int(env, value)); }

std::vector<int64_t> to_ints(napi_env env, napi_value value) { return to_vector(env, value, to_int); }

using TensorPointer = std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)>;

// A constant: {dtype, shape, data}, data being a typed array of exactly the tensor's bytes.
TensorPointer to_tensor(napi_env env, napi_value value) {
  const TF_DataType dtype = to_dtype(env, property(env, value, "dtype"));
  const std::vector<int64_t> shape = to_ints(env, property(env, value, "shape"));
  const Bytes bytes = to_bytes(env, property(env, value, "data"));
  size_t expected = TF_DataTypeSize(dtype);
  for (const int64_t size : shape) expected *= static_cast<size_t>(size);
  if (expected == 0 && bytes.length != 0) throw BadArgument("a constant of this type cannot be given as bytes");
  if (bytes.length != expected) {
    throw BadArgument("a constant has " + std::to_string(bytes.length) + " bytes where its shape needs " +
                      std::to_string(expected));
  }
  TensorPointer tensor(TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), expected), TF_DeleteTensor);
  if (expected != 0) std::memcpy(TF_TensorData(tensor.get()), bytes.data, expected);
  return tensor;
}

void set_attribute(napi_env env, TF_OperationDescription* node, const char* name, const std::string& kind,
                   napi_value value) {
  if (kind == "string") {
    const std::string text = to_string(env, value);
    TF_SetAttrString(node, name, text.data(), text.size());
  } else if (kind == "function") {
    const std::string text = to_string(env, value);
    TF_SetAttrFuncName(node, name, text.data(), text.size());
  } else if (kind == "bool") {
    TF_SetAttrBool(node, name, to_bool(env, value));
  } else if (kind == "int") {
    TF_SetAttrInt(node, name, to_int(env, value));
  } else if (kind == "ints") {
    const std::vector<int64_t> values = to_ints(env, value);
    TF_SetAttrIntList(node, name, values.data(), static_cast<int>(values.size()));
  } else if (kind == "float") {
    TF_SetAttrFloat(node, name, static_cast<float>(to_double(env, value)));
  } else if (kind == "floats") {
    std::vector<float> values;
    each(env, value, [&](napi_value item) { values.push_back(static_cast<float>(to_double(env, item))); });
    TF_SetAttrFloatList(node, name, values.data(), static_cast<int>(values.size()));
  } else if (kind == "bools") {
    std::vector<unsigned char> values;
    each(env, value, [&](napi_value item) { values.push_back(to_bool(env, item)); });
    TF_SetAttrBoolList(node, name, values.data(), static_cast<int>(values.size()));
  } else if (kind == "dtype") {
    TF_SetAttrType(node, name, to_dtype(env, value));
  } else if (kind == "dtypes") {
    const std::vector<TF_DataType> values = to_vector(env, value, to_dtype);
    TF_SetAttrTypeList(node, name, values.data(), static_cast<int>(values.size()));
  } else if (kind == "shape") {
    const std::vector<int64_t> shape = to_ints(env, value);
    TF_SetAttrShape(node, name, shape.data(), static_cast<int>(shape.size()));
  } else if (kind == "tensor") {
    Status status;
    TF_SetAttrTensor(node, name, to_tensor(env, value).get(), status);
    status.check();
  } else {
    throw BadArgument("attribute " + std::string(name) + " has the unknown kind " + kind);
  }
}

}  // namespace

void set_attributes(napi_env env, TF_OperationDescription* node, napi_value attributes) {
  each(env, attributes, [&](napi_value attribute) {
    const std::string name = to_string(env, property(env, attribute, "name"));
    const std::string kind = to_string(env, property(env, attribute, "kind"));
    set_attribute(env, node, name.c_str(), kind, property(env, attribute, "value"));
  });
}

}  // namespace captrain
