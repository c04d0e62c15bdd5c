// TensorFlow functions in tfjs's own context: registered once, then called like any op.

#include "functions.h"

#include "captured_context.h"
#include "graph_builder.h"
#include "status.h"

namespace captrain {
namespace {

TFE_Context* context() {
  TFE_Context* result = captrain_captured_context();
  if (result == nullptr) throw BadArgument("TensorFlow's context does not exist yet: call startEngine first");
  return result;
}

// The attribute value `b: true` (field 5) of tensorflow.AttrValue, serialised.
constexpr char kTrueAttribute[] = {0x28, 0x01};

}  // namespace

napi_value add_function_def(napi_env env, const std::vector<napi_value>& arguments) {
  const Bytes bytes = to_bytes(env, arguments.at(0));
  Status status;
  TFE_ContextAddFunctionDef(context(), static_cast<const char*>(bytes.data), bytes.length, status);
  status.check();
  return nullptr;
}

napi_value define_function(napi_env env, const std::vector<napi_value>& arguments) {
  const napi_value description = arguments.at(0);
  GraphBuilder graph(env);
  each(env, property(env, description, "inputs"), [&](napi_value dtype) { graph.add_argument(to_int(env, dtype)); });
  each(env, property(env, description, "nodes"), [&](napi_value node) { graph.add_node(node); });
  each(env, property(env, description, "outputs"), [&](napi_value output) { graph.add_output(output); });
  each(env, property(env, description, "effects"), [&](napi_value node) { graph.add_effect(node); });

  const std::string name = to_string(env, property(env, description, "name"));
  Function function(graph.to_function(name), TF_DeleteFunction);
  Status status;
  if (to_bool(env, property(env, description, "xla"))) {
    TF_FunctionSetAttrValueProto(function.get(), "_XlaMustCompile", kTrueAttribute, sizeof(kTrueAttribute), status);
    status.check();
  }
  TFE_ContextAddFunction(context(), function.get(), status);
  status.check();
  defined_functions().insert_or_assign(name, std::move(function));
  return nullptr;
}

napi_value has_function(napi_env env, const std::vector<napi_value>& arguments) {
  return from_bool(env, TFE_ContextHasFunction(context(), to_string(env, arguments.at(0)).c_str()) != 0);
}

napi_value remove_function(napi_env env, const std::vector<napi_value>& arguments) {
  const std::string name = to_string(env, arguments.at(0));
  Status status;
  TFE_ContextRemoveFunction(context(), name.c_str(), status);
  status.check();
  defined_functions().erase(name);
  return nullptr;
}

}  // namespace captrain
