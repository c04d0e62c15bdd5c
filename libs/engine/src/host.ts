import { anyBuild, loadAddon } from './native-build.js';

/** The addon that works before TensorFlow is loaded (native/host.cc). */
interface HostAddon {
  muteStderr(): number;
  restoreStderr(kept: number): void;
  cudaStatus(): CudaStatus;
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
