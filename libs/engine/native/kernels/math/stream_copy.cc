#include "stream_copy.h"

#include "vector.h"

namespace captrain {
namespace CAPTRAIN_ISA {

void stream_copy(const float* from, int64_t count, float* to) {
  int64_t i = 0;
  while (i < count && reinterpret_cast<uintptr_t>(to + i) % sizeof(Floats) != 0) {
    to[i] = from[i];
    ++i;
  }
  for (; i + kLanes <= count; i += kLanes) {
#ifdef __AVX512F__
    _mm512_stream_ps(to + i, (__m512)load(from + i));
#else
    _mm256_stream_ps(to + i, (__m256)load(from + i));
#endif
  }
  // Streamed values are seen by other threads only after this.
  _mm_sfence();
  for (; i < count; ++i) to[i] = from[i];
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
