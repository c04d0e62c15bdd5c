#include "accumulate.h"

namespace captrain {
namespace CAPTRAIN_ISA {

void accumulate(const float* __restrict parts, int64_t count, float* __restrict sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += parts[i];
}

}  // namespace CAPTRAIN_ISA
}  // namespace captrain
