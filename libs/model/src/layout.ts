import { UserError } from '@captrain/runtime';
import type { ParameterShapes } from './parameters.js';
import { quoted } from './weights/quoted.js';
import type { WeightsFile } from './weights/weights-file.js';
import type { TensorToWrite } from './weights/write-safetensors.js';

/** Where one parameter lies in the flat array; `offset` and `length` count values. */
export interface LayoutEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/**
 * Parameters in fixed order over one flat Float32Array: the unit of exchange, checkpoint and digest. Equal configs
 * give equal layouts, everywhere.
 */
export interface ParameterLayout {
  readonly entries: readonly LayoutEntry[];
  /** Values of the whole flat array. */
  readonly length: number;
}

/** The layout of these parameters, one after another in their order. */
export function layoutOf(shapes: ParameterShapes): ParameterLayout {
  let offset = 0;
  const entries = [...shapes].map(([name, shape]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const entry = { name, shape, offset, length };
    offset += length;
    return entry;
  });
  return { entries, length: offset };
}

/** The parameters that a flat array holds, as views of it, to be written or turned into tensors. */
export function tensorsOfFlat(layout: ParameterLayout, flat: Float32Array): Map<string, TensorToWrite> {
  if (flat.length !== layout.length)
    throw new Error(`the flat array holds ${flat.length} values where the layout has ${layout.length}`);
  return new Map(
    layout.entries.map(({ name, shape, offset, length }) => [
      name,
      { shape, data: flat.subarray(offset, offset + length) },
    ]),
  );
}

/**
 * The flat array of the parameters in a file. Missing, unexpected and misshapen tensors are one UserError that lists
 * them; `place` names the file in it.
 */
export function flatOfFile(layout: ParameterLayout, file: WeightsFile, place: string): Float32Array {
  checkShapes(new Map(layout.entries.map(({ name, shape }) => [name, shape])), file, place);
  const flat = new Float32Array(layout.length);
  for (const { name, offset } of layout.entries) flat.set(file.tensors.get(name)!.read(), offset);
  return flat;
}

/** Compares a file's tensors with the expected ones and lists every difference in one UserError. */
export function checkShapes(
  expected: ParameterShapes,
  found: { tensors: ReadonlyMap<string, { shape: readonly number[] }> },
  place: string,
): void {
  const faults: string[] = [];
  for (const [name, shape] of expected) {
    const tensor = found.tensors.get(name);
    if (tensor === undefined) faults.push(`${name} is missing`);
    else if (tensor.shape.join() !== shape.join())
      faults.push(`${name} has shape [${tensor.shape.join(', ')}] instead of [${shape.join(', ')}]`);
  }
  for (const name of found.tensors.keys())
    if (!expected.has(name)) faults.push(`${quoted(name)} is unexpected`);
  if (faults.length === 0) return;
  const shown = faults.slice(0, 8).join('; ') + (faults.length > 8 ? `; and ${faults.length - 8} more` : '');
  throw new UserError(`the weights in ${place} do not fit their config: ${shown}.`);
}
