#include "shared_memory.h"

#include <memory>
#include <utility>

#include "mapping.h"

namespace captrain {
namespace {

// JavaScript holds a mapping twice: by its ArrayBuffer, and by the handle that closes it earlier.
using Shared = std::shared_ptr<Mapping>;

void let_go(napi_env, void* handle, void*) { delete static_cast<Shared*>(handle); }

void close_and_let_go(napi_env, void*, void* hint) {
  auto* mapping = static_cast<Shared*>(hint);
  (*mapping)->close();
  delete mapping;
}

napi_value to_javascript(napi_env env, Mapping&& mapping) {
  const auto shared = std::make_shared<Mapping>(std::move(mapping));
  const napi_value result = object(env);
  napi_value handle;
  auto of_handle = std::make_unique<Shared>(shared);
  ok(napi_create_external(env, of_handle.get(), let_go, nullptr, &handle), "a handle");
  of_handle.release();
  napi_value buffer;
  // Node calls the finalizer even where it refuses to make the buffer.
  auto* of_buffer = new Shared(shared);
  ok(napi_create_external_arraybuffer(env, shared->address(), shared->bytes(), close_and_let_go, of_buffer, &buffer),
     "shared memory of a size that an ArrayBuffer can have");
  set(env, result, "handle", handle);
  set(env, result, "buffer", buffer);
  set(env, result, "descriptor", from_double(env, shared->descriptor()));
  return result;
}

}  // namespace

napi_value create_shared_memory(napi_env env, const std::vector<napi_value>& arguments) {
  return to_javascript(env, Mapping::create(static_cast<size_t>(to_int(env, arguments.at(0)))));
}

napi_value open_shared_memory(napi_env env, const std::vector<napi_value>& arguments) {
  return to_javascript(env, Mapping::open(to_int(env, arguments.at(0)), to_int(env, arguments.at(1)),
                                          static_cast<size_t>(to_int(env, arguments.at(2)))));
}

napi_value close_shared_memory(napi_env env, const std::vector<napi_value>& arguments) {
  void* mapping;
  ok(napi_get_value_external(env, property(env, arguments.at(0), "handle"), &mapping), "a handle");
  // First of all, so that no view of it can be used any more.
  ok(napi_detach_arraybuffer(env, property(env, arguments.at(0), "buffer")), "an ArrayBuffer");
  (*static_cast<Shared*>(mapping))->close();
  return nullptr;
}

}  // namespace captrain
