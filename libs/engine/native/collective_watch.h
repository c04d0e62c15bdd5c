#ifndef CAPTRAIN_COLLECTIVE_WATCH_H_
#define CAPTRAIN_COLLECTIVE_WATCH_H_

#include <vector>

#include "js.h"

namespace captrain {

// watchCollective(seconds): if it is not called again within so long, every collective op of this process fails, those
// that wait and those to come. With 0 there is nothing to watch.
napi_value watch_collective(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_COLLECTIVE_WATCH_H_
