// TensorFlow functions in tfjs's own context: registered once, then called like any op.

#include "functions.h"

#include <memory>
#include <unordered_map>

#include "attributes.h"
#include "captured_context.h"
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

using Function = std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)>;

// The functions that define_function has registered, by name: nodes of later ones may call them.
std::unordered_map<std::string, Function>& defined_functions() {
  static auto* functions = new std::unordered_map<std::string, Function>();
  return *functions;
}

// A graph under construction, and the outputs of its arguments and nodes by name.
class GraphBuilder {
 public:
  explicit GraphBuilder(napi_env env) : env_(env), graph_(TF_NewGraph(), TF_DeleteGraph) {}

  // An argument of the function is a placeholder.
  void add_argument(int64_t dtype) {
    const std::string name = "argument_" + std::to_string(arguments_.size());
    TF_OperationDescription* node = TF_NewOperation(graph_.get(), "Placeholder", name.c_str());
    TF_SetAttrType(node, "dtype", static_cast<TF_DataType>(dtype));
    arguments_.push_back({finish(node, name), 0});
  }

  // {name, op, inputs, attributes, control}: an input is a reference, or a list of them for a list argument of the op;
  // `control` names nodes that run before this one, whether or not it takes their outputs.
  void add_node(napi_value description) {
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
    nodes_[name] = finish(node, name + " (" + op + ")");
  }

  void add_output(napi_value reference) { outputs_.push_back(resolve(reference)); }

  // A node that runs in every call, though no output may need it.
  void add_effect(napi_value name) { effects_.push_back(find(to_string(env_, name))); }

  // All nodes become the body, in the order in which they were added.
  TF_Function* to_function(const std::string& name) {
    Status status;
    TF_Function* function =
        TF_GraphToFunctionWithControlOutputs(
            graph_.get(), name.c_str(), /*append_hash_to_fn_name=*/0, /*num_opers=*/-1, nullptr,
            static_cast<int>(arguments_.size()), arguments_.data(), static_cast<int>(outputs_.size()), outputs_.data(),
            nullptr, static_cast<int>(effects_.size()), effects_.data(), nullptr, nullptr, nullptr, status);
    status.check();
    return function;
  }

 private:
  TF_Operation* finish(TF_OperationDescription* node, const std::string& label) {
    Status status;
    TF_Operation* operation = TF_FinishOperation(node, status);
    if (TF_GetCode(status) != TF_OK) throw BadArgument("node " + label + ": " + TF_Message(status));
    return operation;
  }

  // A number is an argument of the function; "node" or "node:2" an output of a node.
  TF_Output resolve(napi_value reference) {
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

  TF_Operation* find(const std::string& name) const {
    const auto node = nodes_.find(name);
    if (node == nodes_.end()) throw BadArgument("there is no node " + name + " before this one");
    return node->second;
  }

  napi_env env_;
  std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph_;
  std::vector<TF_Output> arguments_;
  std::vector<TF_Output> outputs_;
  std::vector<TF_Operation*> effects_;
  std::unordered_map<std::string, TF_Operation*> nodes_;
};

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
