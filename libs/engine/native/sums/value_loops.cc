#include "value_loops.h"

#include "../kernels/instruction_set.h"

namespace captrain {

const ValueLoops& value_loops() {
  switch (instruction_set()) {
    case InstructionSet::none: return portable::value_loops;
    case InstructionSet::avx2: return avx2::value_loops;
    default: return avx512::value_loops;
  }
}

}  // namespace captrain
