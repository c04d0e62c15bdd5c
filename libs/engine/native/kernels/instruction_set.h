#ifndef CAPTRAIN_KERNELS_INSTRUCTION_SET_H_
#define CAPTRAIN_KERNELS_INSTRUCTION_SET_H_

namespace captrain {

// What kernels of our own may use of this processor: the best it has, up to what ONEDNN_MAX_CPU_ISA allows. Every file in
// math/ is compiled for AVX2 (with FMA) and for AVX-512 (F, BW, CD, DQ, VL); the names of the namespaces say which. Files
// in product/ are compiled for AVX-512, without and with bfloat16. AMX is no kernel's: it says that oneDNN has it.
enum class InstructionSet { none, avx2, avx512, avx512_bf16, amx_bf16 };

InstructionSet instruction_set();

const char* name_of(InstructionSet set);

}  // namespace captrain

// Declares functions of a file in math/ in both namespaces.
#define CAPTRAIN_MATH(...)        \
  namespace captrain {            \
  namespace avx2 {                \
  __VA_ARGS__                     \
  }                               \
  namespace avx512 {              \
  __VA_ARGS__                     \
  }                               \
  }

// The function of this name for this processor. Only where `instruction_set()` is not `none`.
#define CAPTRAIN_BEST(function) \
  (::captrain::instruction_set() == ::captrain::InstructionSet::avx2 ? ::captrain::avx2::function : ::captrain::avx512::function)

#endif  // CAPTRAIN_KERNELS_INSTRUCTION_SET_H_
