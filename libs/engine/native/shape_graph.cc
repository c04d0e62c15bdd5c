#include "shape_graph.h"

#include <memory>

#include "graph_builder.h"
#include "status.h"

namespace captrain {
namespace {

using Holder = std::unique_ptr<GraphBuilder>;

Holder& holder_of(napi_env env, napi_value external) {
  void* holder = nullptr;
  ok(napi_get_value_external(env, external, &holder), "a graph");
  return *static_cast<Holder*>(holder);
}

std::vector<int64_t> to_shape(napi_env env, napi_value value) { return to_vector(env, value, to_int); }

}  // namespace

napi_value open_shape_graph(napi_env env, const std::vector<napi_value>& arguments) {
  auto graph = std::make_unique<GraphBuilder>(env);
  each(env, arguments.at(0), [&](napi_value input) {
    const TF_Output argument = graph->add_argument(to_int(env, property(env, input, "dtype")));
    graph->set_shape(argument, to_shape(env, property(env, input, "shape")));
  });
  auto holder = std::make_unique<Holder>(std::move(graph));
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Holder*>(data); };
  napi_value external;
  ok(napi_create_external(env, holder.get(), finalize, nullptr, &external), "an external value");
  holder.release();
  return external;
}

napi_value add_to_shape_graph(napi_env env, const std::vector<napi_value>& arguments) {
  const Holder& graph = holder_of(env, arguments.at(0));
  if (graph == nullptr) throw BadArgument("this graph is closed");
  TF_Operation* node = graph->add_node(arguments.at(1));
  int told = 0;
  each(env, arguments.at(2), [&](napi_value shape) {
    if (told >= TF_OperationNumOutputs(node)) throw BadArgument("a shape for an output that there is not");
    graph->set_shape({node, told++}, to_shape(env, shape));
  });
  const napi_value result = array(env);
  for (int i = 0; i < TF_OperationNumOutputs(node); ++i) push(env, result, graph->type_of({node, i}));
  return result;
}

napi_value close_shape_graph(napi_env env, const std::vector<napi_value>& arguments) {
  holder_of(env, arguments.at(0)).reset();
  return nullptr;
}

}  // namespace captrain
