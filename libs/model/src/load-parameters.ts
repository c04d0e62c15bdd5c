import { existsSync } from 'node:fs';
import path from 'node:path';
import { tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { checkShapes } from './layout.js';
import type { ParameterShapes, ParameterValues } from './parameters.js';
import { readJsonObject } from './read-json.js';
import { readSafetensors, type SafetensorsEntry } from './weights/read-safetensors.js';

/**
 * Loads a model folder's weights (model.safetensors, or the parts that model.safetensors.index.json names) as tensors
 * in the order of `shapes`. `rename` turns a name in the file into the model's, or undefined to pass over it.
 */
export function loadParameters(
  folder: string,
  shapes: ParameterShapes,
  rename: (name: string) => string | undefined,
): Map<string, tf.Tensor> {
  const found = new Map<string, SafetensorsEntry>();
  for (const file of weightFiles(folder))
    for (const [name, entry] of readSafetensors(file).tensors) {
      const renamed = rename(name);
      if (renamed !== undefined) found.set(renamed, entry);
    }
  checkShapes(shapes, { tensors: found }, folder);
  return new Map(
    [...shapes].map(([name, shape]) => [name, tf.tensor(found.get(name)!.read(), [...shape], 'float32')]),
  );
}

/**
 * The tensors of values by name, in the order of `shapes`. They share the arrays' memory (tfjs copies only what is
 * unaligned), so the arrays must not change afterwards.
 */
export function tensorsOfValues(shapes: ParameterShapes, values: ParameterValues): Map<string, tf.Tensor> {
  return new Map(
    [...shapes].map(([name, shape]) => [name, tf.tensor(values.get(name)!, [...shape], 'float32')]),
  );
}

/** The weight files of a model folder. None is a UserError. */
export function weightFiles(folder: string): string[] {
  const single = path.join(folder, 'model.safetensors');
  if (existsSync(single)) return [single];
  const index = 'model.safetensors.index.json';
  if (existsSync(path.join(folder, index))) {
    const parts = readJsonObject(folder, index).weight_map;
    if (typeof parts !== 'object' || parts === null)
      throw new UserError(`${path.join(folder, index)} has no weight_map; fetch it again.`);
    return [...new Set(Object.values(parts))]
      .sort()
      .map((part) => path.join(folder, path.basename(String(part))));
  }
  throw new UserError(`${folder} has no model.safetensors; export the model's weights in that format.`);
}
