#ifndef CAPTRAIN_PROFILE_H_
#define CAPTRAIN_PROFILE_H_

#include <vector>

#include "js.h"

namespace captrain {

// startProfile(): from now on TensorFlow writes down what each of its threads does. Throws where it already does.
napi_value start_profile(napi_env env, const std::vector<napi_value>& arguments);

// stopProfile(): ends that and gives [{id, name, names, startUs, durationUs}], one for each thread that did something:
// the thread's number and name, and as parallel lists what it did. Times are in microseconds since startProfile.
napi_value stop_profile(napi_env env, const std::vector<napi_value>& arguments);

}  // namespace captrain

#endif  // CAPTRAIN_PROFILE_H_
