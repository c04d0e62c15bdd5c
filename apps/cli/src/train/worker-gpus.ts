import { spawnSync } from 'node:child_process';

/**
 * The GPUs that workers on this machine may take, as `CUDA_VISIBLE_DEVICES` names them: those of that variable where it is
 * set, else all that NVIDIA's driver lists.
 */
export function visibleGpus(env: NodeJS.ProcessEnv): string[] {
  const chosen = env['CUDA_VISIBLE_DEVICES'];
  if (chosen !== undefined) return chosen.split(',').filter((name) => name !== '');
  const { status, stdout } = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0) return [];
  const lines = stdout.split('\n').filter((line) => line.startsWith('GPU '));
  return lines.map((_, index) => String(index));
}

/** What a worker's environment gets, so that each worker has a GPU of its own; with more workers than GPUs they share. */
export function gpuOfWorker(worker: number, gpus: readonly string[]): Record<string, string> {
  if (gpus.length === 0) return {};
  return { CUDA_VISIBLE_DEVICES: gpus[worker % gpus.length]! };
}
