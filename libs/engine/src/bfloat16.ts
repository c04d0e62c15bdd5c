import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { UserError } from '@captrain/runtime';
import { engineInfo } from './start-engine.js';

/** Limits of oneDNN's that leave bfloat16 in. */
const SETS = /bf16|amx|avx10|^default$/i;

/** The oldest NVIDIA GPUs with bfloat16 arithmetic (Ampere). */
const CAPABILITY = 8;

/**
 * Throws a `UserError` with the reason where the running engine's device has no arithmetic for bfloat16: there TensorFlow
 * would emulate it, slower than float32. Throws where the engine does not run.
 */
export function requireBfloat16(): void {
  // By --instruction-set or by the user: the engine runs under it either way.
  const limit = process.env['ONEDNN_MAX_CPU_ISA'];
  const reason = engineInfo().device === 'cpu' ? whyNotOnCpu(cpuFlags(), limit) : whyNotOnGpu(capabilities());
  if (reason !== undefined)
    throw new UserError(`Precision bfloat16 is not possible here: ${reason}; use --precision float32.`);
}

/** Why a CPU with these flags of /proc/cpuinfo and this limit of oneDNN's cannot, or undefined where it can. */
export function whyNotOnCpu(flags: readonly string[], limit: string | undefined): string | undefined {
  if (!flags.includes('avx512_bf16') && !flags.includes('amx_bf16'))
    return 'the CPU has no bfloat16 arithmetic (neither avx512_bf16 nor amx_bf16 among its flags)';
  if (limit === undefined || SETS.test(limit)) return undefined;
  return `--instruction-set ${limit.toLowerCase()} (or ONEDNN_MAX_CPU_ISA) leaves it out`;
}

/** The same for GPUs by what nvidia-smi says of their compute capability, a line each; undefined: nothing. */
export function whyNotOnGpu(capabilities: string | undefined): string | undefined {
  const found = capabilities?.split('\n').filter((line) => line.trim() !== '') ?? [];
  if (found.length === 0) return "nvidia-smi does not tell the GPU's compute capability";
  const low = found.find((line) => !(Number(line) >= CAPABILITY));
  return low && `the GPU's compute capability is ${low.trim()}, and bfloat16 needs ${CAPABILITY}.0`;
}

function cpuFlags(): string[] {
  return /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
}

/** Of the GPUs that this process may see. */
function capabilities(): string | undefined {
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const args = ['--query-gpu=compute_cap', '--format=csv,noheader', ...(visible ? ['-i', visible] : [])];
  try {
    return execFileSync('nvidia-smi', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
