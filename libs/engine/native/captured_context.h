#ifndef CAPTRAIN_CAPTURED_CONTEXT_H_
#define CAPTRAIN_CAPTURED_CONTEXT_H_

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

// The eager context that tfjs computes in; null before tfjs has made its backend.
extern "C" TFE_Context* captrain_captured_context();

// A serialised tensorflow.ServerDef by which that context shall take part in collective ops; before it is made.
extern "C" void captrain_set_collective_server(const void* server_def, size_t bytes);

// Why it does not take part; empty where it does.
extern "C" const char* captrain_collective_fault();

#endif  // CAPTRAIN_CAPTURED_CONTEXT_H_
