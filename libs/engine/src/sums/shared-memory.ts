import { constants } from 'node:buffer';
import { type MappedMemory, sumsAddon } from './addon.js';
import { whenUnused } from './in-use.js';

/**
 * Memory that threads and processes of one host share. It is a file in memory alone (Linux's memfd), named by the process
 * that made it and a descriptor there, so nothing stays behind, however its users end. It lasts until all of them have
 * closed it, were collected, or ended; others can open it as long as its maker has it open. At most 4 GiB, as Node's
 * buffers.
 *
 * Each thread opens it for itself: its ArrayBuffer cannot be transferred.
 */
export class SharedMemory {
  #mapped: MappedMemory | undefined;

  private constructor(
    mapped: MappedMemory,
    /** The process that made it; another one finds it by this and the descriptor. */
    readonly process: number,
    readonly descriptor: number,
    /** How many bytes of it are mapped here. */
    readonly bytes: number,
  ) {
    this.#mapped = mapped;
  }

  /** Makes memory of so many bytes, all zero. */
  static create(bytes: number): SharedMemory {
    requireSize(bytes);
    const mapped = sumsAddon().createSharedMemory(bytes);
    return new SharedMemory(mapped, process.pid, mapped.descriptor, bytes);
  }

  /**
   * Maps what a process (this one, too) has made, by its descriptor there. Throws where there is no such memory, it may
   * not be opened, or it has less than these bytes.
   */
  static open(process: number, descriptor: number, bytes: number): SharedMemory {
    requireSize(bytes);
    return new SharedMemory(
      sumsAddon().openSharedMemory(process, descriptor, bytes),
      process,
      descriptor,
      bytes,
    );
  }

  /** Values from `offset` on, both counted in values; all by default. */
  floats(offset = 0, length = Math.floor(this.bytes / 4) - offset): Float32Array {
    return new Float32Array(this.#buffer, offset * 4, length);
  }

  /** Bytes from `offset` on; all by default. */
  view(offset = 0, length = this.bytes - offset): Uint8Array {
    return new Uint8Array(this.#buffer, offset, length);
  }

  /**
   * Takes the memory from every view of it here, which has length 0 from then on, and gives it back. Where something
   * still sums, converts or copies over it in the background, that is done when it has ended.
   */
  close(): void {
    const mapped = this.#mapped;
    if (mapped === undefined) return;
    this.#mapped = undefined;
    whenUnused(mapped.buffer, () => sumsAddon().closeSharedMemory(mapped));
  }

  get #buffer(): ArrayBuffer {
    if (this.#mapped === undefined) throw new Error('this shared memory is closed');
    return this.#mapped.buffer;
  }
}

function requireSize(bytes: number): void {
  if (Number.isInteger(bytes) && bytes > 0 && bytes <= constants.MAX_LENGTH) return;
  throw new Error(
    `shared memory has a whole number of bytes from 1 to ${constants.MAX_LENGTH}, not ${bytes}`,
  );
}
