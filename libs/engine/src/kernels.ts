import { recordingForXla } from './compile/record.js';
import { engineAddon, engineInfo } from './start-engine.js';

/**
 * What the engine's own kernels compute with, strongest last; `none` where the processor has too little, or a GPU
 * computes. With `amx_bf16` the processor has AVX512-BF16 as well, and AMX, which oneDNN uses and our kernels do not.
 */
export type KernelInstructionSet = 'none' | 'avx2' | 'avx512' | 'avx512_bf16' | 'amx_bf16';

/**
 * Whether the engine's own ops (`CaptrainLayerNorm` and its like, native/kernels) can be called, by `rawOp`: on CPUs
 * with AVX2 and FMA, and not while a function is recorded for XLA. Elsewhere a caller composes the same of TensorFlow's
 * ops. They have no gradient of tfjs's.
 */
export function kernelInstructionSet(): KernelInstructionSet {
  return engineInfo().device === 'cpu' && !recordingForXla() ? engineAddon().kernelInstructionSet() : 'none';
}

/** Whether there are ops of our own to call: see `kernelInstructionSet`. */
export function hasKernels(): boolean {
  return kernelInstructionSet() !== 'none';
}

/**
 * Whether `CaptrainMatMul` is there for a precision: in float32 with AVX-512, in bfloat16 with AVX512-BF16 but without
 * AMX, by which oneDNN multiplies several times faster.
 */
export function hasProductKernel(precision: 'float32' | 'bfloat16'): boolean {
  const set = kernelInstructionSet();
  return precision === 'bfloat16' ? set === 'avx512_bf16' : set !== 'none' && set !== 'avx2';
}
