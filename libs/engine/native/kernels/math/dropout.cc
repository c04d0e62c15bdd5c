#include "dropout.h"

#include "philox.h"
#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {
namespace {

#ifdef __AVX512F__
constexpr Words kFirst = {0, 8, 1, 9, 2, 10, 3, 11};
constexpr Words kSecond = {4, 12, 5, 13, 6, 14, 7, 15};
#else
constexpr Words kFirst = {0, 4, 1, 5};
constexpr Words kSecond = {2, 6, 3, 7};
#endif

// The numbers of kCounters groups in their order: two vectors.
inline void numbers(const PhiloxState& state, uint64_t group, Ints out[2]) {
  Words groups;
  for (int64_t i = 0; i < kCounters; ++i) groups[i] = group + static_cast<uint64_t>(i);
  const Block block = philox({{groups, groups >> 32, same(state.stream[0]), same(state.stream[1])}}, state.key);
  const Words front = (block.word[0] & 0xffffffff) | block.word[1] << 32;
  const Words back = (block.word[2] & 0xffffffff) | block.word[3] << 32;
  out[0] = (Ints)__builtin_shuffle(front, back, kFirst);
  out[1] = (Ints)__builtin_shuffle(front, back, kSecond);
}

// As TensorFlow makes a float of a number: its lower 23 bits behind the point of 1.…, less 1.
inline Floats uniform(Ints number) { return (Floats)((number & 0x7fffff) | 0x3f800000) - 1.0f; }

}  // namespace

PhiloxState philox_of_seed(const int32_t* seed) {
  // The numbers of group (seed[0]) of stream (seed[1]), both extended to 64 bits.
  const uint64_t group = static_cast<uint64_t>(static_cast<int64_t>(seed[0]));
  const uint64_t stream = static_cast<uint64_t>(static_cast<int64_t>(seed[1]));
  const PhiloxState mixer = {{0x3ec8f720, 0x02461e29},
                             {static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)}};
  Ints mixed[2];
  numbers(mixer, group, mixed);
  return {{static_cast<uint32_t>(mixed[0][0]), static_cast<uint32_t>(mixed[0][1])},
          {static_cast<uint32_t>(mixed[0][2]), static_cast<uint32_t>(mixed[0][3])}};
}

void dropout(const PhiloxState& state, float rate, float scale, int64_t first, int64_t count, const float* x, float* y) {
  for (int64_t i = 0; i < count; i += 2 * kLanes) {
    Ints random[2];
    numbers(state, static_cast<uint64_t>((first + i) / 4), random);
    for (int64_t half = 0; half < 2; ++half) {
      const int64_t at = i + half * kLanes;
      const int64_t lanes = count - at < kLanes ? count - at : kLanes;
      if (lanes <= 0) break;
      const Floats kept = load_part(x + at, lanes) * scale;
      store_part(y + at, uniform(random[half]) >= rate ? kept : Floats{}, lanes);
    }
  }
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
