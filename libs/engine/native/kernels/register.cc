#include "register.h"

#include "instruction_set.h"

namespace captrain {

void register_kernels() {
  static bool registered = false;
  if (registered || instruction_set() == InstructionSet::none) return;
  register_attention();
  register_layer_norm();
  registered = true;
}

}  // namespace captrain
