import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RandomStream } from '../../random.js';
import { writeSafetensors } from '../../weights/write-safetensors.js';
import { openClipShapes } from './load-open-clip.js';
import { type OpenClipConfigInput, parseOpenClipConfig } from './open-clip-config.js';

/**
 * Writes a CLIP of random weights with OpenAI's names into a folder, for tests: in OpenCLIP's layout with its config,
 * or the weights alone as float16, as OpenAI's come. The same seed gives the same bytes.
 */
export function writeOpenClip(
  folder: string,
  config: OpenClipConfigInput,
  { weights = 'open_clip_model.safetensors', seed = 1 } = {},
): void {
  mkdirSync(folder, { recursive: true });
  const shapes = openClipShapes(parseOpenClipConfig(config, folder));
  const isOpenClip = weights === 'open_clip_model.safetensors';
  const dtype = isOpenClip ? 'F32' : 'F16';
  const tensors = new Map(
    [...shapes].map(([name, shape]) => [
      name,
      { shape, data: randomValues(name, shape, seed), dtype } as const,
    ]),
  );
  writeFileSync(path.join(folder, weights), writeSafetensors(tensors, { format: 'pt' }));
  if (isOpenClip)
    writeFileSync(
      path.join(folder, 'open_clip_config.json'),
      JSON.stringify({ model_cfg: config, preprocess_cfg: {} }),
    );
}

/** Values that keep a signal through the layers, and leave no gain at 1, no bias and no mean at 0. */
function randomValues(name: string, shape: readonly number[], seed: number): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const stream = new RandomStream(seed, name);
  if (name.endsWith('running_var')) return stream.uniform(count, 0.5).map((value) => value + 1);
  if (shape.length === 1)
    return stream
      .normal(count, 0.1)
      .map((value) => value + (/(ln_|bn|downsample\.1).*weight$/.test(name) ? 1 : 0));
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
  return stream.normal(count, inputs ** -0.5);
}
