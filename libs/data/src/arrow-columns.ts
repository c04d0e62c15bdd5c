import { isUtf8 } from 'node:buffer';
import { Precision, Type, Vector, type Data, type Float } from 'apache-arrow';
import { Strings } from './shard.js';

/** What is wrong with a column, in words that follow the file's name. */
export class ColumnFault extends Error {}

/**
 * Text of any of Arrow's types for it (utf8, large_utf8, string_view, dictionaries of these), from index `start` to `end`
 * of each chunk. The common case, one utf8 chunk from its beginning, is taken without a copy.
 */
export function stringsOf(chunks: readonly Slice[], column: string): Strings {
  const [only] = chunks;
  if (chunks.length === 1 && only!.start === 0 && only!.data.typeId === Type.Utf8) {
    const { data, end } = only!;
    if (data.nullCount > 0) throw nulls(column);
    const bytes = asBuffer(data.values as Uint8Array);
    const offsets = (data.valueOffsets as Int32Array).subarray(0, end + 1);
    checkOffsets(offsets, end, bytes.length, column);
    if (!isUtf8(bytes.subarray(offsets[0], offsets[end])))
      throw new ColumnFault(`text in ${column} that is not UTF-8`);
    return new Strings(bytes, offsets);
  }
  const encoded: Buffer[] = [];
  const offsets = [0];
  for (const { data, start, end } of chunks) {
    const vector = new Vector([data]);
    for (let i = start; i < end; i++) {
      const text: unknown = vector.get(i);
      if (text === null || text === undefined) throw nulls(column);
      if (typeof text !== 'string')
        throw new ColumnFault(`a column ${column} of ${String(vector.type)} instead of text`);
      encoded.push(Buffer.from(text, 'utf8'));
      offsets.push(offsets.at(-1)! + encoded.at(-1)!.length);
    }
  }
  return new Strings(Buffer.concat(encoded), Float64Array.from(offsets));
}

/** Part of a chunk of a column. */
export interface Slice {
  readonly data: Data;
  readonly start: number;
  readonly end: number;
}

/** The items of list or large_list chunks in a row, and where each row's begin and end among them. */
export function listItems(
  chunks: readonly Data[],
  column: string,
): { items: Slice[]; offsets: Int32Array | Float64Array } {
  const items: Slice[] = [];
  const bounds = [0];
  for (const data of chunks) {
    if (data.typeId !== Type.List && data.typeId !== Type.LargeList)
      throw new ColumnFault(`a column ${column} of ${String(data.type)} instead of lists`);
    if (data.nullCount > 0) throw nulls(column);
    const child = data.children[0]!;
    const offsets = Float64Array.from(data.valueOffsets as ArrayLike<number | bigint>, Number);
    checkOffsets(offsets, data.length, child.length, column);
    const before = bounds.at(-1)! - offsets[0]!;
    for (let i = 1; i <= data.length; i++) bounds.push(before + offsets[i]!);
    items.push({ data: child, start: offsets[0]!, end: offsets[data.length]! });
  }
  return { items, offsets: Float64Array.from(bounds) };
}

/**
 * Vectors as one array [rows × dim], from fixed_size_list, list or large_list of float16 (as bits) or float32. One
 * fixed_size_list chunk is taken without a copy.
 */
export function vectorsOf(
  chunks: readonly Data[],
  { dim, dtype }: { dim: number; dtype: 'float16' | 'float32' },
  column: string,
): Uint16Array | Float32Array {
  const parts = chunks.map((data) => {
    if (data.nullCount > 0) throw nulls(column);
    const { data: child, start, end } = vectorItems(data, dim, column);
    const { typeId, type } = child;
    const precision = typeId === Type.Float ? (type as Float).precision : undefined;
    const found =
      precision === Precision.HALF ? 'float16' : precision === Precision.SINGLE ? 'float32' : String(type);
    if (found !== dtype) throw new ColumnFault(`a column ${column} of ${found} instead of ${dtype}`);
    if (child.nullCount > 0) throw nulls(column);
    const values = (child.values as Uint16Array | Float32Array).subarray(start, end);
    if (values.length !== data.length * dim) throw new ColumnFault(`too few values in ${column}`);
    return values;
  });
  if (parts.length === 1) return parts[0]!;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = dtype === 'float16' ? new Uint16Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function vectorItems(data: Data, dim: number, column: string): Slice {
  if (data.typeId === Type.FixedSizeList) {
    const size = data.stride;
    if (size !== dim) throw new ColumnFault(`vectors of ${size} values in ${column} instead of ${dim}`);
    return { data: data.children[0]!, start: 0, end: data.length * dim };
  }
  const { items, offsets } = listItems([data], column);
  const other = offsets.findIndex((offset, row) => offset !== row * dim);
  if (other > 0)
    throw new ColumnFault(
      `vectors of ${offsets[other]! - offsets[other - 1]!} values in ${column} instead of ${dim}`,
    );
  return items[0]!;
}

/** Throws where a value is infinite or not a number. `values` of 16 bits are half precision. */
export function checkFinite(values: Uint16Array | Float32Array, dim: number, column: string): void {
  const fault = (i: number) =>
    new ColumnFault(`a value in ${column}, row ${Math.floor(i / dim)}, that is not finite`);
  if (values instanceof Float32Array) {
    for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) throw fault(i);
  } else {
    for (let i = 0; i < values.length; i++) if ((values[i]! & 0x7c00) === 0x7c00) throw fault(i);
  }
}

function checkOffsets(offsets: ArrayLike<number>, count: number, limit: number, column: string): void {
  let fine = offsets.length > count && offsets[0]! >= 0 && offsets[count]! <= limit;
  for (let i = 0; fine && i < count; i++) fine = offsets[i]! <= offsets[i + 1]!;
  if (!fine) throw new ColumnFault(`offsets in ${column} that lead outside its data`);
}

function nulls(column: string): ColumnFault {
  return new ColumnFault(`nulls in ${column}`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
