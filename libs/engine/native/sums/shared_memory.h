#ifndef CAPTRAIN_SUMS_SHARED_MEMORY_H_
#define CAPTRAIN_SUMS_SHARED_MEMORY_H_

#include <vector>

#include "../js.h"

namespace captrain {

// createSharedMemory(bytes): {buffer, descriptor, handle}. openSharedMemory(process, descriptor, bytes): {buffer, handle}.
// closeSharedMemory({buffer, handle}): detaches the buffer, unmaps, closes the creator's descriptor.
napi_value create_shared_memory(napi_env env, const std::vector<napi_value>& arguments);
napi_value open_shared_memory(napi_env env, const std::vector<napi_value>& arguments);
napi_value close_shared_memory(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_SHARED_MEMORY_H_
