#include "tree_sum.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "../keep_subnormals.h"
#include "block_writer.h"

namespace captrain {
namespace {

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
  BlockWriter writer(format, into, values);
  // Each level of the stack is a block of its own, or a block of a float32 part where it lies.
  const std::unique_ptr<Block[]> blocks(new Block[static_cast<size_t>(depth)]);
  std::vector<const uint8_t*> stack(static_cast<size_t>(depth));

  for (int64_t first = 0; first < values; first += kBlock) {
    const int64_t count = std::min(kBlock, values - first);
    const int64_t bytes = count * bytes_of_value(format);
    size_t height = 0;
    for (const int16_t token : order) {
      if (token < 0) {
        --height;
        float* sum = blocks[height - 1].values;
        loops.add(stack[height - 1], stack[height], count, sum);
        stack[height - 1] = reinterpret_cast<const uint8_t*>(sum);
        continue;
      }
      const auto part = static_cast<size_t>(token);
      const uint8_t* block = parts[part] + first * bytes_of_value(format);
      if (!checksums.empty()) seen[part].checksum.add(block, static_cast<size_t>(bytes));
      if (format == WireFormat::bfloat16) {
        float* floats = blocks[height].values;
        if (!loops.from_bfloat16(block, count, floats)) seen[part].finite = false;
        block = reinterpret_cast<const uint8_t*>(floats);
      } else if (!loops.finite(block, count)) {
        seen[part].finite = false;
      }
      fetch(parts[part] + (first + count) * bytes_of_value(format), bytes);
      stack[height++] = block;
    }
    writer.write(stack[0], count);
  }

  finite = writer.finite();
  checksum = writer.checksum();
  non_finite_part = first_part(seen, [](const Seen& part) { return !part.finite; });
  if (checksums.empty()) return;
  wrong_checksum = first_part(seen, [&](const Seen& part) {
    return part.checksum.value() != checksums[static_cast<size_t>(&part - seen.data())];
  });
}

}  // namespace captrain
