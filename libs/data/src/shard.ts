import { float16Values } from './float16.js';

/** Strings as UTF-8 in one piece: string i is the bytes from `offsets[i]` to `offsets[i + 1]`. */
export class Strings {
  constructor(
    private readonly bytes: Buffer,
    private readonly offsets: Int32Array | Float64Array,
  ) {}

  at(index: number): string {
    return this.bytes.toString('utf8', this.offsets[index]!, this.offsets[index + 1]!);
  }
}

/** A shard in memory, as compact as on the disk: half precision stays 16 bits until it is read. */
export class Shard {
  constructor(
    readonly dim: number,
    /** [rows × dim] */
    private readonly values: Uint16Array | Float32Array,
    private readonly imageIds: Strings,
    private readonly captionTexts: Strings,
    /** [rows + 1]: the captions of row r are those from `captionOffsets[r]` to `captionOffsets[r + 1]`. */
    private readonly captionOffsets: Int32Array | Float64Array,
  ) {}

  get rows(): number {
    return this.captionOffsets.length - 1;
  }

  imageId(row: number): string {
    return this.imageIds.at(row);
  }

  caption(index: number): string {
    return this.captionTexts.at(index);
  }

  captionsOf(row: number): string[] {
    const [start, end] = [this.captionOffsets[row]!, this.captionOffsets[row + 1]!];
    return Array.from({ length: end - start }, (_, i) => this.caption(start + i));
  }

  /** The first caption of a row; of row `rows`, the number of captions. */
  firstCaptionOf(row: number): number {
    return this.captionOffsets[row]!;
  }

  /** The row that a caption belongs to. */
  rowOf(caption: number): number {
    return lastAtMost(this.captionOffsets, caption);
  }

  /** Writes the row's vector into `target` from `offset`, as float32. */
  readEmbedding(row: number, target: Float32Array, offset = 0): void {
    const { dim, values } = this;
    const start = row * dim;
    if (values instanceof Float32Array) {
      target.set(values.subarray(start, start + dim), offset);
      return;
    }
    const decoded = float16Values();
    for (let i = 0; i < dim; i++) target[offset + i] = decoded[values[start + i]!]!;
  }
}

/** In numbers that never fall, the last index whose number is at most `value`; the first is at most that. */
export function lastAtMost(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (sorted[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
