import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ParameterShapes, ParameterValues } from './parameters.js';
import { writeSafetensors } from './weights/write-safetensors.js';

/**
 * Writes config.json and model.safetensors of a model folder in Hugging Face layout, making the folder where it is
 * missing; a tokenizer or a preprocessor_config.json is the caller's to add. F16 halves the file and rounds.
 */
export function writeModelFolder(
  folder: string,
  model: { config: object; shapes: ParameterShapes; values: ParameterValues; dtype?: 'F32' | 'F16' },
): void {
  const { config, shapes, values, dtype = 'F32' } = model;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const tensors = new Map(
    [...shapes].map(([name, shape]) => [name, { shape, data: values.get(name)!, dtype }]),
  );
  writeFileSync(path.join(folder, 'model.safetensors'), writeSafetensors(tensors, { format: 'pt' }));
}
