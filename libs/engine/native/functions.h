#ifndef CAPTRAIN_FUNCTIONS_H_
#define CAPTRAIN_FUNCTIONS_H_

#include <vector>

#include "js.h"

namespace captrain {

// addFunctionDef(bytes): registers a serialised tensorflow.FunctionDef in tfjs's context.
napi_value add_function_def(napi_env env, const std::vector<napi_value>& arguments);

// defineFunction({name, inputs, nodes, outputs, effects, xla}): builds a graph from the nodes, makes a function of it and
// registers that. `../src/functions.ts` describes the fields.
napi_value define_function(napi_env env, const std::vector<napi_value>& arguments);

// hasFunction(name) and removeFunction(name).
napi_value has_function(napi_env env, const std::vector<napi_value>& arguments);
napi_value remove_function(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_FUNCTIONS_H_
