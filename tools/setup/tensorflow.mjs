import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { digestOf } from './digest.mjs';
import { cacheDirectory, root } from './paths.mjs';
import { showStep } from './progress.mjs';
import { publish } from './publish.mjs';
import { capture } from './spawn.mjs';
import { fetchWheel, pins, wheelsFor } from './wheels.mjs';

/** What is taken from the wheels: the C++ libraries, NVIDIA's, and the headers of the C API and of Abseil. */
const wanted = [
  'tensorflow/libtensorflow_(cc|framework)\\.so',
  'tensorflow/include/(tensorflow/c|tensorflow/core/platform|xla/tsl|tsl|absl)/',
  'nvidia/[^/]+/(lib|bin|nvvm)/(?!.*\\.a$)',
].join('|');

/** The folder of a device's libtensorflow in the cache; it may not exist yet. */
export function tensorflowFolder(device) {
  const digest = digestOf([wanted, ...wheelsFor(device).map((pin) => pin.sha256)]);
  return path.join(cacheDirectory(), 'libtensorflow', `${pins.tensorflow}-${device}-${digest.slice(0, 12)}`);
}

/**
 * Downloads and unpacks libtensorflow where it is missing. The folder keeps the wheels' own layout, because CUDA's
 * libraries are found relative to TensorFlow's (`tensorflow/`, `nvidia/` side by side).
 */
export async function installTensorflow(device) {
  const folder = tensorflowFolder(device);
  if (existsSync(folder)) return folder;
  return await publish(folder, async (staging) => {
    for (const pin of wheelsFor(device)) {
      const wheel = await fetchWheel(pin);
      const script = path.join(root, 'tools/setup/extract-wheel.py');
      await showStep(`unpacking ${pin.package} ${pin.version}`, () =>
        capture('python3', [script, wheel, staging, wanted]),
      );
      await rm(wheel);
    }
  });
}
