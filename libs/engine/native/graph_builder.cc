// Graphs, node by node, from JavaScript's descriptions.

#include "graph_builder.h"

#include "attributes.h"
#include "status.h"

namespace captrain {

std::unordered_map<std::string, Function>& defined_functions() {
  static auto* functions = new std::unordered_map<std::string, Function>();
  return *functions;
}

TF_Output GraphBuilder::add_argument(int64_t dtype) {
  const std::string name = "argument_" + std::to_string(arguments_.size());
  TF_OperationDescription* node = TF_NewOperation(graph_.get(), "Placeholder", name.c_str());
  TF_SetAttrType(node, "dtype", static_cast<TF_DataType>(dtype));
  arguments_.push_back({finish(node, name), 0});
  return arguments_.back();
}

TF_Operation* GraphBuilder::add_node(napi_value description) {
  const std::string name = to_string(env_, property(env_, description, "name"));
  const std::string op = to_string(env_, property(env_, description, "op"));
  if (nodes_.count(name) != 0) throw BadArgument("two nodes are called " + name);
  const auto callee = defined_functions().find(op);
  if (callee != defined_functions().end()) {
    Status status;
    TF_GraphCopyFunction(graph_.get(), callee->second.get(), nullptr, status);
    status.check();
  }
  // TensorFlow reports an unknown op only when the node is finished, and frees the description then.
  TF_OperationDescription* node = TF_NewOperation(graph_.get(), op.c_str(), name.c_str());
  const std::string device = to_string(env_, property(env_, description, "device"));
  if (!device.empty()) TF_SetDevice(node, device.c_str());
  try {
    each(env_, property(env_, description, "inputs"), [&](napi_value input) {
      if (is_array(env_, input)) {
        std::vector<TF_Output> list;
        each(env_, input, [&](napi_value item) { list.push_back(resolve(item)); });
        TF_AddInputList(node, list.data(), static_cast<int>(list.size()));
      } else {
        TF_AddInput(node, resolve(input));
      }
    });
    each(env_, property(env_, description, "control"),
         [&](napi_value before) { TF_AddControlInput(node, find(to_string(env_, before))); });
    set_attributes(env_, node, property(env_, description, "attributes"));
  } catch (const std::exception& error) {
    Status ignored;
    TF_FinishOperation(node, ignored);
    throw BadArgument("node " + name + " (" + op + "): " + error.what());
  }
  return nodes_[name] = finish(node, name + " (" + op + ")");
}

TF_Function* GraphBuilder::to_function(const std::string& name) {
  Status status;
  TF_Function* function = TF_GraphToFunctionWithControlOutputs(
      graph_.get(), name.c_str(), /*append_hash_to_fn_name=*/0, /*num_opers=*/-1, nullptr,
      static_cast<int>(arguments_.size()), arguments_.data(), static_cast<int>(outputs_.size()), outputs_.data(),
      nullptr, static_cast<int>(effects_.size()), effects_.data(), nullptr, nullptr, nullptr, status);
  status.check();
  return function;
}

void GraphBuilder::set_shape(TF_Output output, const std::vector<int64_t>& shape) {
  Status status;
  TF_GraphSetTensorShape(graph_.get(), output, shape.data(), static_cast<int>(shape.size()), status);
  status.check();
}

napi_value GraphBuilder::type_of(TF_Output output) {
  const napi_value type = object(env_);
  set(env_, type, "dtype", from_double(env_, TF_OperationOutputType(output)));
  Status status;
  const int rank = TF_GraphGetTensorNumDims(graph_.get(), output, status);
  status.check();
  if (rank < 0) return type;
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  TF_GraphGetTensorShape(graph_.get(), output, dims.data(), rank, status);
  status.check();
  const napi_value shape = array(env_);
  for (const int64_t dim : dims) push(env_, shape, from_double(env_, static_cast<double>(dim)));
  set(env_, type, "shape", shape);
  return type;
}

TF_Operation* GraphBuilder::finish(TF_OperationDescription* node, const std::string& label) {
  Status status;
  TF_Operation* operation = TF_FinishOperation(node, status);
  if (TF_GetCode(status) != TF_OK) throw BadArgument("node " + label + ": " + TF_Message(status));
  return operation;
}

TF_Output GraphBuilder::resolve(napi_value reference) {
  if (is(env_, reference, napi_number)) {
    const int64_t index = to_int(env_, reference);
    if (index < 0 || static_cast<size_t>(index) >= arguments_.size()) {
      throw BadArgument("there is no argument " + std::to_string(index));
    }
    return arguments_[static_cast<size_t>(index)];
  }
  const std::string text = to_string(env_, reference);
  const size_t colon = text.rfind(':');
  const std::string name = text.substr(0, colon);
  const int index = colon == std::string::npos ? 0 : std::stoi(text.substr(colon + 1));
  TF_Operation* node = find(name);
  if (index < 0 || index >= TF_OperationNumOutputs(node)) {
    throw BadArgument("node " + name + " has no output " + std::to_string(index));
  }
  return {node, index};
}

TF_Operation* GraphBuilder::find(const std::string& name) const {
  const auto node = nodes_.find(name);
  if (node == nodes_.end()) throw BadArgument("there is no node " + name + " before this one");
  return node->second;
}

}  // namespace captrain
