#ifndef CAPTRAIN_ATTRIBUTES_H_
#define CAPTRAIN_ATTRIBUTES_H_

#include "js.h"
#include "tensorflow/c/c_api.h"

namespace captrain {

// Sets every attribute of a node from a list of `{name, kind, value}`: kinds as in `../src/attributes.ts`.
void set_attributes(napi_env env, TF_OperationDescription* node, napi_value attributes);

}  // namespace captrain

#endif  // CAPTRAIN_ATTRIBUTES_H_
