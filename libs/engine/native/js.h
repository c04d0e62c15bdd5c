// Reading JavaScript values in C++, over Node-API. Every reader throws `BadArgument`; `guarded` turns that, and any
// other C++ exception, into a JavaScript error.

#ifndef CAPTRAIN_JS_H_
#define CAPTRAIN_JS_H_

#include <node_api.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace captrain {

struct BadArgument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void ok(napi_status status, const char* what) {
  if (status != napi_ok) throw BadArgument(std::string("expected ") + what);
}

inline bool is(napi_env env, napi_value value, napi_valuetype wanted) {
  napi_valuetype type;
  ok(napi_typeof(env, value, &type), "a value");
  return type == wanted;
}

inline bool is_array(napi_env env, napi_value value) {
  bool result = false;
  ok(napi_is_array(env, value, &result), "a value");
  return result;
}

inline std::string to_string(napi_env env, napi_value value) {
  size_t length = 0;
  ok(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "a string");
  std::string result(length, '\0');
  ok(napi_get_value_string_utf8(env, value, result.data(), length + 1, &length), "a string");
  return result;
}

inline int64_t to_int(napi_env env, napi_value value) {
  int64_t result = 0;
  ok(napi_get_value_int64(env, value, &result), "a number");
  return result;
}

inline double to_double(napi_env env, napi_value value) {
  double result = 0;
  ok(napi_get_value_double(env, value, &result), "a number");
  return result;
}

inline bool to_bool(napi_env env, napi_value value) {
  bool result = false;
  ok(napi_get_value_bool(env, value, &result), "a boolean");
  return result;
}

inline napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value result;
  ok(napi_get_named_property(env, object, name, &result), "an object");
  return result;
}

// Calls `visit(element)` for each element of a JavaScript array.
template <typename Visit>
void each(napi_env env, napi_value array, Visit visit) {
  uint32_t length = 0;
  ok(napi_get_array_length(env, array, &length), "an array");
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    ok(napi_get_element(env, array, i, &element), "an array element");
    visit(element);
  }
}

template <typename Read>
auto to_vector(napi_env env, napi_value array, Read read) {
  std::vector<decltype(read(env, array))> result;
  each(env, array, [&](napi_value element) { result.push_back(read(env, element)); });
  return result;
}

// The bytes of a Buffer or of any typed array.
struct Bytes {
  const void* data;
  size_t length;
};

inline Bytes to_bytes(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t elements = 0;
  void* data = nullptr;
  ok(napi_get_typedarray_info(env, value, &type, &elements, &data, nullptr, nullptr), "a typed array");
  static const size_t widths[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= sizeof(widths) / sizeof(widths[0])) throw BadArgument("typed array of an unknown kind");
  return {data, elements * widths[type]};
}

inline napi_value from_string(napi_env env, const std::string& value) {
  napi_value result;
  ok(napi_create_string_utf8(env, value.data(), value.size(), &result), "a string");
  return result;
}

inline napi_value from_double(napi_env env, double value) {
  napi_value result;
  ok(napi_create_double(env, value, &result), "a number");
  return result;
}

inline napi_value from_bool(napi_env env, bool value) {
  napi_value result;
  ok(napi_get_boolean(env, value, &result), "a boolean");
  return result;
}

inline napi_value object(napi_env env) {
  napi_value result;
  ok(napi_create_object(env, &result), "an object");
  return result;
}

inline napi_value array(napi_env env) {
  napi_value result;
  ok(napi_create_array(env, &result), "an array");
  return result;
}

inline void set(napi_env env, napi_value target, const char* name, napi_value value) {
  ok(napi_set_named_property(env, target, name, value), "an object");
}

inline void push(napi_env env, napi_value target, napi_value value) {
  uint32_t length = 0;
  ok(napi_get_array_length(env, target, &length), "an array");
  ok(napi_set_element(env, target, length, value), "an array");
}

using Method = napi_value (*)(napi_env, const std::vector<napi_value>&);

// A Node-API callback around a method: reads its arguments, and throws its C++ exceptions as JavaScript errors.
template <Method method>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    size_t count = 8;
    std::vector<napi_value> arguments(count);
    ok(napi_get_cb_info(env, info, &count, arguments.data(), nullptr, nullptr), "a call");
    arguments.resize(count);
    return method(env, arguments);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

template <Method method>
void add_method(napi_env env, napi_value exports, const char* name) {
  napi_value function;
  ok(napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<method>, nullptr, &function), "a function");
  set(env, exports, name, function);
}

}  // namespace captrain

#endif  // CAPTRAIN_JS_H_
