#ifndef CAPTRAIN_OPS_H_
#define CAPTRAIN_OPS_H_

#include <vector>

#include "js.h"

namespace captrain {

// opList(): a serialised tensorflow.OpList of all ops, those that addons have registered at run time included.
napi_value op_list(napi_env env, const std::vector<napi_value>& arguments);

// kernelsOf(op): a serialised tensorflow.KernelList of the op's kernels.
napi_value kernels_of(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_OPS_H_
