import { spawnSync } from 'node:child_process';
import { SetupError } from './fail.mjs';

/**
 * Which build of TensorFlow is wanted: `CAPTRAIN_DEVICE` decides (cpu or gpu); otherwise gpu where NVIDIA's driver
 * lists a device, else cpu.
 */
export function wantedDevice(environment = process.env) {
  const asked = environment.CAPTRAIN_DEVICE;
  if (asked === 'cpu' || asked === 'gpu') return asked;
  if (asked !== undefined && asked !== '' && asked !== 'auto') {
    throw new SetupError(`CAPTRAIN_DEVICE is "${asked}": set it to auto, cpu or gpu.`);
  }
  return nvidiaDeviceIsListed() ? 'gpu' : 'cpu';
}

function nvidiaDeviceIsListed() {
  const { status, stdout } = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 10_000 });
  return status === 0 && stdout.includes('GPU ');
}
