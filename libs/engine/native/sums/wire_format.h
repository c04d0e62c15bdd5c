#ifndef CAPTRAIN_SUMS_WIRE_FORMAT_H_
#define CAPTRAIN_SUMS_WIRE_FORMAT_H_

#include <cstdint>

namespace captrain {

// How values travel.
enum class WireFormat { float32, bfloat16 };

inline int64_t bytes_of_value(WireFormat format) { return format == WireFormat::float32 ? 4 : 2; }

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_WIRE_FORMAT_H_
