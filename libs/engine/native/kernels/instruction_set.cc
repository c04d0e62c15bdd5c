#include "instruction_set.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace captrain {
namespace {

InstructionSet of_processor() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return InstructionSet::none;
  for (const bool has : {__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"),
                         __builtin_cpu_supports("avx512cd"), __builtin_cpu_supports("avx512dq"),
                         __builtin_cpu_supports("avx512vl")}) {
    if (!has) return InstructionSet::avx2;
  }
  if (!__builtin_cpu_supports("avx512bf16")) return InstructionSet::avx512;
  return __builtin_cpu_supports("amx-bf16") ? InstructionSet::amx_bf16 : InstructionSet::avx512_bf16;
}

InstructionSet allowed() {
  const char* most = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (most == nullptr || std::strstr(most, "AMX") != nullptr) return InstructionSet::amx_bf16;
  if (std::strstr(most, "BF16") != nullptr) return InstructionSet::amx_bf16;
  if (std::strstr(most, "AVX512") != nullptr) return InstructionSet::avx512;
  if (std::strstr(most, "AVX2") != nullptr) return InstructionSet::avx2;
  return std::strcmp(most, "DEFAULT") == 0 ? InstructionSet::amx_bf16 : InstructionSet::none;
}

}  // namespace

InstructionSet instruction_set() {
  static const InstructionSet set = std::min(of_processor(), allowed());
  return set;
}

const char* name_of(InstructionSet set) {
  static const char* names[] = {"none", "avx2", "avx512", "avx512_bf16", "amx_bf16"};
  return names[static_cast<int>(set)];
}

}  // namespace captrain
