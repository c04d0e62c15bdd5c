import { anyBuild, loadAddon } from './native-build.js';

/** The addon that works before TensorFlow is loaded (native/host.cc). */
interface HostAddon {
  muteStderr(): number;
  restoreStderr(kept: number): void;
  cudaStatus(): CudaStatus;
  shieldFromSignals(): void;
}

/** What NVIDIA's driver says: whether its library is there, CUDA's error number (0: none), how many devices. */
export interface CudaStatus {
  driver: boolean;
  error: number;
  devices: number;
}

export function cudaStatus(): CudaStatus {
  return loadAddon<HostAddon>(anyBuild(), 'captrain_host.node').cudaStatus();
}

/**
 * Keeps signal handlers off this thread and those that it starts, TensorFlow's among them: a signal that arrives within
 * a matrix product would corrupt memory (native/host.cc says how). Signals are handled as before, also JavaScript's
 * `process.on('SIGINT')`; only Node's own CPU profiler, which samples by a signal to this thread, sees nothing.
 */
export function shieldFromSignals(): void {
  loadAddon<HostAddon>(anyBuild(), 'captrain_host.node').shieldFromSignals();
}

/** Runs `load` with this process's stderr going nowhere. */
export function withoutStderr<Result>(load: () => Result): Result {
  const host = loadAddon<HostAddon>(anyBuild(), 'captrain_host.node');
  const kept = host.muteStderr();
  try {
    return load();
  } finally {
    host.restoreStderr(kept);
  }
}
