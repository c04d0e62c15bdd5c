import { UserError, messageOf } from '@captrain/runtime';

/** Bytes of one value, for each dtype that the format knows. */
export const BYTES_OF_DTYPE = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;
export type SafetensorsDtype = keyof typeof BYTES_OF_DTYPE;

/** What a header says of one tensor; `begin` and `end` are byte offsets in the file. */
export interface TensorExtent {
  name: string;
  dtype: SafetensorsDtype;
  shape: number[];
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: Record<string, string>;
  extents: TensorExtent[];
}

/** Longest header that is read: the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Length of the header's JSON from a file's first 8 bytes. A bad one is a UserError that names `place`. */
export function headerLength(first: Uint8Array, fileBytes: number, place: string): number {
  if (first.length < 8) throw damaged(place, 'it is shorter than 8 bytes');
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || length > BigInt(fileBytes - 8))
    throw damaged(place, `its header would be ${length} bytes long`);
  return Number(length);
}

/**
 * Reads a header's JSON and checks that the tensors fill the file exactly: extents that fit dtype and shape, no
 * overlap, no hole, nothing behind the last. What does not fit is a UserError that names file and tensor.
 * Source: https://huggingface.co/docs/safetensors (format).
 */
export function parseHeader(json: Uint8Array, fileBytes: number, place: string): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw damaged(place, `its header is no JSON (${messageOf(cause)})`);
  }
  if (!isRecord(parsed)) throw damaged(place, 'its header is no JSON object');
  const { __metadata__: metadata = {}, ...entries } = parsed;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    throw damaged(place, '__metadata__ must map strings to strings');
  const start = 8 + json.length;
  const extents = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry, start, place));
  extents.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = start;
  for (const { name, begin, end } of extents) {
    if (begin !== position)
      throw damaged(place, `tensor ${name} ${begin < position ? 'overlaps another' : 'follows a hole'}`);
    if (end > fileBytes) throw damaged(place, `tensor ${name} lies beyond the end of the file`);
    position = end;
  }
  if (position !== fileBytes) throw damaged(place, `${fileBytes - position} bytes follow the last tensor`);
  return { metadata: metadata as Record<string, string>, extents };
}

function parseEntry(name: string, entry: unknown, start: number, place: string): TensorExtent {
  if (!isRecord(entry)) throw damaged(place, `the entry of tensor ${name} is no object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_OF_DTYPE, dtype))
    throw damaged(place, `tensor ${name} has unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw damaged(place, `tensor ${name} has shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw damaged(place, `tensor ${name} has data_offsets ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, BYTES_OF_DTYPE[dtype as SafetensorsDtype]);
  if (end - begin !== bytes)
    throw damaged(place, `tensor ${name} spans ${end - begin} bytes where dtype and shape make ${bytes}`);
  return { name, dtype: dtype as SafetensorsDtype, shape, begin: start + begin, end: start + end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function damaged(place: string, why: string): UserError {
  return new UserError(`${place} is no valid safetensors file: ${why}; fetch or write it again.`);
}
