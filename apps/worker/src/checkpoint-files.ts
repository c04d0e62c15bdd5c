import { createHash } from 'node:crypto';
import { type ObjectStore, readPieces } from '@captrain/data';
import { type StateFile, checkpointFiles, namesOfKind } from '@captrain/model/run';
import {
  type DenseTensor,
  type ParameterLayout,
  type SafetensorsHeader,
  checkShapes,
  headerLength,
  parseHeader,
  safetensorsParts,
} from '@captrain/model/safetensors';
import { UserError, mapInOrder } from '@captrain/runtime';

// Nothing here loads TensorFlow, so that any thread may read and write checkpoints.

/** Files that are read at once: an object store gives one after another slowly. */
const FILES_AT_ONCE = 4;

/** What training goes on from: flat arrays in the parameters' layout, and the updates that AdamW has counted. */
export interface CheckpointState {
  readonly parameters: Float32Array;
  readonly mean: Float32Array;
  readonly square: Float32Array;
  /** The outer updates' momentum, where there are local steps. */
  readonly outer?: Float32Array;
  readonly updates: number;
}

/**
 * A file of a checkpoint in safetensors form, as views of `values`, which are those of the file's tensors one after another
 * in their order. Its bytes are a function of values and updates alone.
 */
export function partsOfFile(
  { kind, tensors, length }: StateFile,
  values: Float32Array,
  updates: number,
): Uint8Array[] {
  if (values.length !== length) throw new Error(`${values.length} values for a file of ${length}`);
  let offset = 0;
  const named = tensors.map(({ name, shape, first, end }) => {
    const data = values.subarray(offset, (offset += end - first));
    return [name, { shape, data }] as const;
  });
  const metadata = { format: 'pt', ...(kind === 'optimizer' && { step: String(updates) }) };
  return [...safetensorsParts(new Map(named), metadata)];
}

/**
 * Reads the checkpoint in a folder of the run, piece by piece, and compares its files with their SHA-256 (by name) on the
 * way. Throws a UserError for a file that is damaged or does not fit the layout.
 */
export async function loadCheckpoint(
  run: ObjectStore,
  folder: string,
  digests: Readonly<Record<string, string>>,
  layout: ParameterLayout,
  { outer = false, signal }: { outer?: boolean; signal?: AbortSignal } = {},
): Promise<CheckpointState> {
  const array = () => new Float32Array(layout.length);
  const arrays = { parameters: array(), mean: array(), square: array(), ...(outer && { outer: array() }) };
  const expected = new Map(
    checkpointFiles(layout, { outer }).flatMap(({ tensors }) =>
      tensors.map((tensor) => [tensor.name, tensor]),
    ),
  );
  const placeOf = ({ name, dtype, shape }: DenseTensor) => {
    const tensor = expected.get(name);
    // What does not fit is listed below.
    if (tensor === undefined || dtype !== 'F32' || tensor.shape.join() !== shape.join()) return undefined;
    const { buffer } = arrays[tensor.array]!;
    return new Uint8Array(buffer, 4 * tensor.first, 4 * (tensor.end - tensor.first));
  };
  const files = new Map<string, number>();
  for await (const { path, bytes } of run.list(`${folder}/`)) files.set(path, bytes);
  const read = (name: string) => {
    const path = `${folder}/${name}`;
    return readFile(run, { path, bytes: files.get(path), sha256: digests[name]! }, placeOf, signal);
  };
  const found = new Map<string, DenseTensor>();
  let updates = 0;
  const names = (['model', 'optimizer', 'outer'] as const).flatMap((kind) => namesOfKind(kind, digests));
  for await (const { metadata, tensors } of mapInOrder(names, FILES_AT_ONCE, read)) {
    for (const tensor of tensors) found.set(tensor.name, tensor);
    updates = Number(metadata['step'] ?? updates);
  }
  const shapes = new Map([...expected].map(([name, { shape }]) => [name, shape]));
  checkShapes(shapes, { tensors: found }, `${run.uri}/${folder}`);
  return { ...arrays, updates };
}

/** Reads one file; `placeOf` says where a tensor's bytes belong. */
async function readFile(
  run: ObjectStore,
  { path, bytes, sha256 }: { path: string; bytes: number | undefined; sha256: string },
  placeOf: (tensor: DenseTensor) => Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<SafetensorsHeader> {
  const uri = `${run.uri}/${path}`;
  if (bytes === undefined) throw new UserError(`${uri} is missing; restore it from a copy.`);
  const first = await run.getRange(path, 0, Math.min(8, bytes));
  const json = await run.getRange(path, 8, headerLength(first, bytes, uri));
  const header = parseHeader(json, bytes, uri);
  const tensors = header.tensors.map((tensor) => ({ offset: tensor.offset, place: placeOf(tensor) }));
  const hash = createHash('sha256');
  let begin = 0;
  for await (const piece of readPieces(run, path, bytes, signal)) {
    hash.update(piece);
    for (const { offset, place } of tensors) if (place) copyOverlap(piece, begin, place, offset);
    begin += piece.length;
  }
  if (hash.digest('hex') !== sha256)
    throw new UserError(`${uri} is damaged: its digest is not the manifest's; restore it from a copy.`);
  return header;
}

/** Copies what two stretches of a file have in common: `from` begins at byte `begin` of it, `into` at byte `offset`. */
function copyOverlap(from: Uint8Array, begin: number, into: Uint8Array, offset: number): void {
  const first = Math.max(begin, offset);
  const end = Math.min(begin + from.length, offset + into.length);
  if (first < end) into.set(from.subarray(first - begin, end - begin), first - offset);
}
