#ifndef CAPTRAIN_CAPTURED_CONTEXT_H_
#define CAPTRAIN_CAPTURED_CONTEXT_H_

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

// The eager context that tfjs computes in; null before tfjs has made its backend.
extern "C" TFE_Context* captrain_captured_context();

#endif  // CAPTRAIN_CAPTURED_CONTEXT_H_
