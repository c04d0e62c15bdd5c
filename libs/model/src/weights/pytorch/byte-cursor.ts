import type { ByteSource } from '../byte-source.js';
import { damaged } from './pytorch-error.js';

const CHUNK_BYTES = 1 << 16;

/** Reads a source from front to back, up to `end`. Going beyond is a UserError. */
export class ByteCursor {
  #chunk: Uint8Array<ArrayBufferLike> = new Uint8Array();
  #chunkStart = 0;

  constructor(
    private readonly source: ByteSource,
    public position: number,
    readonly end: number,
  ) {}

  get place(): string {
    return this.source.place;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** The next bytes; to be used before the next call. */
  take(count: number): Uint8Array {
    if (count > this.end - this.position)
      throw damaged(this.place, `it ends at byte ${this.end}, in the middle of its contents`);
    let start = this.position - this.#chunkStart;
    if (start < 0 || start + count > this.#chunk.length) {
      const length = Math.min(Math.max(count, CHUNK_BYTES), this.end - this.position);
      this.#chunk = this.source.range(this.position, length);
      this.#chunkStart = this.position;
      start = 0;
    }
    this.position += count;
    return this.#chunk.subarray(start, start + count);
  }

  view(count: number): DataView {
    const bytes = this.take(count);
    return new DataView(bytes.buffer, bytes.byteOffset, count);
  }

  uint32(): number {
    return this.view(4).getUint32(0, true);
  }

  /** A 64-bit length. One beyond 2^53 is a UserError. */
  length64(): number {
    const length = this.view(8).getBigUint64(0, true);
    if (length > Number.MAX_SAFE_INTEGER) throw damaged(this.place, `it names a length of ${length} bytes`);
    return Number(length);
  }

  /** UTF-8 of so many bytes. What is none is a UserError. */
  text(bytes: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(bytes));
    } catch (cause) {
      if (cause instanceof TypeError) throw damaged(this.place, 'one of its texts is no UTF-8');
      throw cause;
    }
  }

  /** UTF-8 up to the next line feed, which is passed over. */
  line(): string {
    const bytes: number[] = [];
    for (let byte = this.byte(); byte !== 0x0a; byte = this.byte()) {
      bytes.push(byte);
      if (bytes.length > 1000) throw damaged(this.place, 'one of its names is longer than 1000 bytes');
    }
    return Buffer.from(bytes).toString('utf8');
  }
}
