#ifndef CAPTRAIN_SUMS_VALUE_LOOPS_H_
#define CAPTRAIN_SUMS_VALUE_LOOPS_H_

#include "math/values.h"

namespace captrain {

// Those for this processor, up to what ONEDNN_MAX_CPU_ISA allows.
const ValueLoops& value_loops();

}  // namespace captrain

#endif  // CAPTRAIN_SUMS_VALUE_LOOPS_H_
