import { SharedMemory } from '@captrain/engine/sums';
import type { Link } from './link/link.js';

/**
 * Shared memory for arrays of one length, known to the link's thread and used again and again: gradients are too large to
 * allocate every step.
 */
export class SharedBuffers {
  private readonly free: SharedMemory[] = [];

  /** `length` counts float32 values. */
  constructor(
    private readonly link: Link,
    readonly length: number,
  ) {}

  /** Memory with any content. */
  async take(): Promise<SharedMemory> {
    const free = this.free.pop();
    if (free !== undefined) return free;
    const memory = SharedMemory.create(this.length * 4);
    await this.link.share(memory);
    return memory;
  }

  give(memory: SharedMemory): void {
    this.free.push(memory);
  }

  /** Closes what is free beyond so many. */
  trim(kept: number): void {
    for (const memory of this.free.splice(kept)) {
      this.link.release(memory);
      memory.close();
    }
  }
}
