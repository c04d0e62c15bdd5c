#ifndef CAPTRAIN_SHAPE_GRAPH_H_
#define CAPTRAIN_SHAPE_GRAPH_H_

#include <vector>

#include "js.h"

namespace captrain {

// A graph that is never run: it tells the types and shapes of ops' outputs. `../src/compile/shape-graph.ts` holds it.
//
// openShapeGraph([{dtype, shape}]): a graph with arguments of these types and shapes.
napi_value open_shape_graph(napi_env env, const std::vector<napi_value>& arguments);

// addToShapeGraph(graph, node, shapes): adds a node, described as for defineFunction, and gives [{dtype, shape}] of its
// outputs: −1 for a dimension that TensorFlow cannot tell, no shape where not even the rank. `shapes` are those that the
// caller knows, of the first outputs.
napi_value add_to_shape_graph(napi_env env, const std::vector<napi_value>& arguments);

// closeShapeGraph(graph): frees it; otherwise the garbage collector does, some time.
napi_value close_shape_graph(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_SHAPE_GRAPH_H_
