#include "register.h"

#include "instruction_set.h"

namespace captrain {

void register_kernels() {
  static bool registered = false;
  if (registered || instruction_set() == InstructionSet::none) return;
  register_accumulate();
  register_activation();
  register_add_rows();
  register_adamw();
  register_attention();
  register_copy_out();
  register_cross_entropy();
  register_dropout();
  register_hold();
  register_layer_norm();
  if (instruction_set() >= InstructionSet::avx512) register_matmul();
  register_row_sum();
  registered = true;
}

}  // namespace captrain
