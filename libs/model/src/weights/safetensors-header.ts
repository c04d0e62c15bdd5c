import { UserError, messageOf } from '@captrain/runtime';
import type { DenseTensor } from './dense-tensor.js';
import { printable, quoted, shown } from './quoted.js';
import { requireUniqueNames } from './unique-names.js';
import { bytesOf, isSize, isWeightDtype } from './weight-dtype.js';

export interface SafetensorsHeader {
  metadata: Record<string, string>;
  /** In the order of their bytes. */
  tensors: DenseTensor[];
}

/** Longest header that is read: the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;

interface Extent extends DenseTensor {
  readonly end: number;
}

/** Length of the header's JSON from a file's first 8 bytes. A bad one is a UserError that names `place`. */
export function headerLength(first: Uint8Array, fileBytes: number, place: string): number {
  if (first.length < 8) throw damaged(place, 'it is shorter than 8 bytes');
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || length > BigInt(fileBytes - 8))
    throw damaged(place, `its header would be ${length} bytes long`);
  return Number(length);
}

/**
 * Reads a header's JSON and checks that the tensors fill the file exactly: names that differ, extents that fit dtype
 * and shape, no overlap, no hole, nothing behind the last. What does not fit is a UserError that names file and tensor.
 * Source: https://huggingface.co/docs/safetensors (format).
 */
export function parseHeader(json: Uint8Array, fileBytes: number, place: string): SafetensorsHeader {
  const { __metadata__: metadata = {}, ...entries } = parseObject(json, place);
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    throw damaged(place, '__metadata__ must map strings to strings');
  const start = 8 + json.length;
  const extents = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry, start, place));
  extents.sort((a, b) => a.offset - b.offset || a.end - b.end);
  let position = start;
  for (const { name, offset, end } of extents) {
    if (offset !== position)
      throw damaged(
        place,
        `tensor ${quoted(name)} ${offset < position ? 'overlaps another' : 'follows a hole'}`,
      );
    if (end > fileBytes) throw damaged(place, `tensor ${quoted(name)} lies beyond the end of the file`);
    position = end;
  }
  if (position !== fileBytes) throw damaged(place, `${fileBytes - position} bytes follow the last tensor`);
  return { metadata: metadata as Record<string, string>, tensors: extents };
}

function parseObject(json: Uint8Array, place: string): Record<string, unknown> {
  // The format wants this byte; it also rules out a byte order mark, which the decoder would pass over.
  if (json[0] !== 0x7b) throw damaged(place, 'its header is no JSON object');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    const parsed = JSON.parse(text) as Record<string, unknown>;
    requireUniqueNames(text);
    return parsed;
  } catch (cause) {
    throw damaged(place, `its header is no valid JSON (${printable(messageOf(cause))})`);
  }
}

function parseEntry(name: string, entry: unknown, start: number, place: string): Extent {
  const tensor = `tensor ${quoted(name)}`;
  if (!isRecord(entry)) throw damaged(place, `the entry of ${tensor} is no object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isWeightDtype(dtype)) throw damaged(place, `${tensor} has unknown dtype ${shown(dtype)}`);
  if (!isSizes(shape)) throw damaged(place, `${tensor} has shape ${shown(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw damaged(place, `${tensor} has data_offsets ${shown(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const bytes = bytesOf(dtype, shape);
  if (bytes === undefined) throw damaged(place, `${tensor} has shape ${shown(shape)}, beyond 2^53 bytes`);
  if (end - begin !== bytes)
    throw damaged(place, `${tensor} spans ${end - begin} bytes where dtype and shape make ${bytes}`);
  return { name, dtype, shape, offset: start + begin, end: start + end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

function damaged(place: string, why: string): UserError {
  return new UserError(`${place} is no valid safetensors file: ${why}; fetch or write it again.`);
}
