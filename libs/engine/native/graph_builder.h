#ifndef CAPTRAIN_GRAPH_BUILDER_H_
#define CAPTRAIN_GRAPH_BUILDER_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "js.h"
#include "tensorflow/c/c_api.h"

namespace captrain {

using Function = std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)>;

// The functions that define_function has registered, by name: nodes of later graphs may call them.
std::unordered_map<std::string, Function>& defined_functions();

// A graph under construction, and the outputs of its arguments and nodes by name. What does not fit is a BadArgument that
// names the node.
class GraphBuilder {
 public:
  explicit GraphBuilder(napi_env env) : env_(env), graph_(TF_NewGraph(), TF_DeleteGraph) {}

  // An argument of the function is a placeholder.
  TF_Output add_argument(int64_t dtype);

  // {name, op, inputs, attributes, control, device}: an input is a reference, or a list of them for a list argument of the op;
  // `control` names nodes that run before this one, whether or not it takes their outputs; `device` may be empty.
  TF_Operation* add_node(napi_value description);

  void add_output(napi_value reference) { outputs_.push_back(resolve(reference)); }

  // A node that runs in every call, though no output may need it.
  void add_effect(napi_value name) { effects_.push_back(find(to_string(env_, name))); }

  // All nodes become the body, in the order in which they were added.
  TF_Function* to_function(const std::string& name);

  // The dimensions of an output, for what TensorFlow infers from it, beside what it has inferred itself.
  void set_shape(TF_Output output, const std::vector<int64_t>& shape);

  // {dtype, shape} of an output as TensorFlow infers it, −1 for unknown dimensions; no shape where its rank is unknown.
  napi_value type_of(TF_Output output);

 private:
  TF_Operation* finish(TF_OperationDescription* node, const std::string& label);
  // A number is an argument of the function; "node" or "node:2" an output of a node.
  TF_Output resolve(napi_value reference);
  TF_Operation* find(const std::string& name) const;

  napi_env env_;
  std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph_;
  std::vector<TF_Output> arguments_;
  std::vector<TF_Output> outputs_;
  std::vector<TF_Operation*> effects_;
  std::unordered_map<std::string, TF_Operation*> nodes_;
};

}  // namespace captrain

#endif  // CAPTRAIN_GRAPH_BUILDER_H_
