import { UserError } from '@captrain/runtime';
import type { EngineConfig } from './config.js';
import { type CudaStatus, cudaStatus } from './host.js';
import { type BuildKind, anyBuild, findBuild } from './native-build.js';

export interface DeviceChoice {
  device: BuildKind;
  /** Folder of the native build to load. */
  build: string;
}

/**
 * Decides where to compute. `gpu` is met or refused with the reason, a `UserError`: there is never a silent run on
 * the CPU. `auto` takes a GPU where NVIDIA's driver lists one and the CUDA build is there.
 */
export function chooseDevice(asked: EngineConfig['device']): DeviceChoice {
  if (asked === 'cpu') return { device: 'cpu', build: anyBuild() };
  const status = cudaStatus();
  const build = findBuild('gpu');
  const reason = whyNoGpu(status, build !== undefined, process.env['CUDA_VISIBLE_DEVICES']);
  if (build !== undefined && reason === undefined) return { device: 'gpu', build };
  if (asked === 'gpu') throw noGpu(reason ?? 'the CUDA build is missing');
  return { device: 'cpu', build: anyBuild() };
}

/** Why there is no GPU to compute on, or undefined where there is one; the machine's fault before captrain's. */
export function whyNoGpu(status: CudaStatus, hasBuild: boolean, visible?: string): string | undefined {
  if (!status.driver) return "NVIDIA's driver is not installed here (there is no libcuda.so.1)";
  // CUDA_ERROR_NO_DEVICE
  if (status.error === 100 || (status.error === 0 && status.devices === 0)) {
    return visible === undefined
      ? "NVIDIA's driver lists no device"
      : `CUDA_VISIBLE_DEVICES is "${visible}", which leaves no device visible`;
  }
  if (status.error !== 0)
    return `NVIDIA's driver does not start (CUDA error ${status.error}; see nvidia-smi)`;
  if (!hasBuild)
    return 'the CUDA build of TensorFlow is not installed (run: CAPTRAIN_DEVICE=gpu npm run setup)';
  return undefined;
}

/** The refusal of `--device gpu`. */
export function noGpu(reason: string): UserError {
  return new UserError(`A GPU was asked for, but ${reason}; mend that, or use --device cpu.`);
}
