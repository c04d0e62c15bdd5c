// Sums, casts and checksums of gradients on their way between processes, and memory that processes share: without
// TensorFlow, so that a coordinator needs none.

#include "../background.h"
#include "../js.h"
#include "conversion.h"
#include "crc32c.h"
#include "shared_memory.h"
#include "tree_sum.h"

namespace captrain {
namespace {

uint8_t* writable(Bytes bytes) { return static_cast<uint8_t*>(const_cast<void*>(bytes.data)); }
const uint8_t* readable(Bytes bytes) { return static_cast<const uint8_t*>(bytes.data); }

WireFormat to_format(napi_env env, napi_value value) {
  return to_string(env, value) == "bfloat16" ? WireFormat::bfloat16 : WireFormat::float32;
}

napi_value finite_and_checksum(napi_env env, bool finite, uint32_t checksum) {
  const napi_value result = object(env);
  set(env, result, "finite", from_bool(env, finite));
  set(env, result, "checksum", from_double(env, checksum));
  return result;
}

struct Summing : Background {
  TreeSum sum;

  void run() override { sum.run(); }
  napi_value result(napi_env env) override {
    const napi_value result = finite_and_checksum(env, sum.finite, sum.checksum);
    set(env, result, "wrongChecksum", from_double(env, static_cast<double>(sum.wrong_checksum)));
    set(env, result, "nonFinitePart", from_double(env, static_cast<double>(sum.non_finite_part)));
    return result;
  }
};

template <void (Conversion::*way)()>
struct Converting : Background {
  Conversion conversion;

  void run() override { (conversion.*way)(); }
  napi_value result(napi_env env) override { return finite_and_checksum(env, conversion.finite, conversion.checksum); }
};

// The values of a part: Uint8Array as they travel, Float32Array as they stand in this process.
Part to_part(napi_env env, napi_value part) {
  napi_typedarray_type type;
  ok(napi_get_typedarray_info(env, part, &type, nullptr, nullptr, nullptr, nullptr), "a typed array");
  return {readable(to_bytes(env, part)), type == napi_uint8_array, false, 0};
}

uint8_t* writable_or_null(napi_env env, napi_value bytes) {
  return is(env, bytes, napi_undefined) ? nullptr : writable(to_bytes(env, bytes));
}

// sumParts({parts, checksums, order, depth, format, length, into, values}), checked by its caller.
napi_value sum_parts(napi_env env, const std::vector<napi_value>& arguments) {
  const napi_value options = arguments.at(0);
  auto summing = std::make_unique<Summing>();
  TreeSum& sum = summing->sum;
  sum.format = to_format(env, property(env, options, "format"));
  sum.values = to_int(env, property(env, options, "length"));
  sum.into = writable_or_null(env, property(env, options, "into"));
  sum.floats = writable_or_null(env, property(env, options, "values"));
  sum.parts = to_vector(env, property(env, options, "parts"), to_part);
  const Bytes checksums = to_bytes(env, property(env, options, "checksums"));
  const auto* words = static_cast<const uint32_t*>(checksums.data);
  for (size_t i = 0; i < checksums.length / 4; ++i) {
    sum.parts[i].checked = sum.parts[i].travelled;
    sum.parts[i].checksum = words[i];
  }
  const Bytes order = to_bytes(env, property(env, options, "order"));
  const auto* tokens = static_cast<const int16_t*>(order.data);
  sum.order.assign(tokens, tokens + order.length / 2);
  sum.depth = to_int(env, property(env, options, "depth"));
  return Background::start(env, std::move(summing), options);
}

// encodeValues({values, bytes, format}), decodeValues({values, bytes, format}), checked by their caller.
template <void (Conversion::*way)()>
napi_value convert(napi_env env, const std::vector<napi_value>& arguments) {
  const napi_value options = arguments.at(0);
  auto converting = std::make_unique<Converting<way>>();
  const Bytes values = to_bytes(env, property(env, options, "values"));
  converting->conversion.format = to_format(env, property(env, options, "format"));
  converting->conversion.count = static_cast<int64_t>(values.length) / 4;
  converting->conversion.values = writable(values);
  converting->conversion.bytes = writable_or_null(env, property(env, options, "bytes"));
  return Background::start(env, std::move(converting), options);
}

napi_value crc32c(napi_env env, const std::vector<napi_value>& arguments) {
  const Bytes bytes = to_bytes(env, arguments.at(0));
  Crc32c crc;
  crc.add(readable(bytes), bytes.length);
  return from_double(env, crc.value());
}

}  // namespace
}  // namespace captrain

NAPI_MODULE_INIT() {
  using namespace captrain;
  add_method<sum_parts>(env, exports, "sumParts");
  add_method<convert<&Conversion::encode>>(env, exports, "encodeValues");
  add_method<convert<&Conversion::decode>>(env, exports, "decodeValues");
  add_method<crc32c>(env, exports, "crc32c");
  add_method<create_shared_memory>(env, exports, "createSharedMemory");
  add_method<open_shared_memory>(env, exports, "openSharedMemory");
  add_method<close_shared_memory>(env, exports, "closeSharedMemory");
  return exports;
}
