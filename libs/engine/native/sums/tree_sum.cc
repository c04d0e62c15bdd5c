#include "tree_sum.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "../keep_subnormals.h"
#include "block_writer.h"

namespace captrain {
namespace {

// From this many bytes on a result is written past the caches; a smaller one (a chunk) stays in them for whoever sends it.
constexpr int64_t kFarBytes = int64_t{16} << 20;

// What is known of a part so far.
struct Seen {
  bool finite = true;
  Crc32c checksum;
};

struct alignas(64) Block {
  float values[kBlock];
};

template <typename Is>
int64_t first_part(const std::vector<Seen>& parts, Is is) {
  const auto found = std::find_if(parts.begin(), parts.end(), is);
  return found == parts.end() ? -1 : found - parts.begin();
}

}  // namespace

void TreeSum::run() {
  const KeepSubnormals keep;
  const ValueLoops& loops = value_loops();
  std::vector<Seen> seen(parts.size());
  BlockWriter writer(format, into, values * bytes_of_value(format) >= kFarBytes ? Written::far : Written::near);
  // Each level of the stack is a block of its own, or a block of a float32 part where it lies.
  const std::unique_ptr<Block[]> blocks(new Block[static_cast<size_t>(depth)]);
  std::vector<const uint8_t*> stack(static_cast<size_t>(depth));
  alignas(64) uint8_t rounded[2 * kBlock];

  for (int64_t first = 0; first < values; first += kBlock) {
    const int64_t count = std::min(kBlock, values - first);
    size_t height = 0;
    for (const int16_t token : order) {
      if (token < 0) {
        --height;
        float* sum = blocks[height - 1].values;
        loops.add(stack[height - 1], stack[height], count, sum);
        stack[height - 1] = reinterpret_cast<const uint8_t*>(sum);
        continue;
      }
      const auto index = static_cast<size_t>(token);
      const Part& part = parts[index];
      const int64_t width = bytes_of_value(part.travelled ? format : WireFormat::float32);
      const int64_t bytes = count * width;
      const uint8_t* block = part.values + first * width;
      if (part.checked) seen[index].checksum.add(block, static_cast<size_t>(bytes));
      if (format == WireFormat::bfloat16) {
        bool finite = true;
        if (!part.travelled) {
          finite = loops.to_bfloat16(block, count, rounded);
          block = rounded;
        }
        float* floats = blocks[height].values;
        if (!loops.from_bfloat16(block, count, floats) || !finite) seen[index].finite = false;
        block = reinterpret_cast<const uint8_t*>(floats);
      } else if (!loops.finite(block, count)) {
        seen[index].finite = false;
      }
      fetch(part.values + first * width + bytes, bytes);
      stack[height++] = block;
    }
    const uint8_t* sum = writer.write(stack[0], count);
    if (floats != nullptr) {
      alignas(64) float wide[kBlock];
      if (format == WireFormat::bfloat16) {
        loops.from_bfloat16(sum, count, wide);
        sum = reinterpret_cast<const uint8_t*>(wide);
      }
      loops.stream(sum, count * 4, floats + first * 4);
    }
  }

  finite = writer.finite();
  checksum = writer.checksum();
  non_finite_part = first_part(seen, [](const Seen& part) { return !part.finite; });
  wrong_checksum = first_part(seen, [&](const Seen& part) {
    const Part& expected = parts[static_cast<size_t>(&part - seen.data())];
    return expected.checked && part.checksum.value() != expected.checksum;
  });
}

}  // namespace captrain
