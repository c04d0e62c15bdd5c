import { SharedMemory } from '@captrain/engine/sums';
import type { SharedArray } from './messages.js';

/** Memory that another thread of this process has made, mapped here and named by its descriptor. */
export class SharedViews {
  private readonly mapped = new Map<number, SharedMemory>();

  map({ descriptor, bytes }: SharedArray): SharedMemory {
    const memory = SharedMemory.open(process.pid, descriptor, bytes);
    this.mapped.set(descriptor, memory);
    return memory;
  }

  of(descriptor: number): SharedMemory {
    const memory = this.mapped.get(descriptor);
    if (memory === undefined) throw new Error(`memory ${descriptor} is not shared with this thread`);
    return memory;
  }

  release(descriptor: number): void {
    this.mapped.get(descriptor)?.close();
    this.mapped.delete(descriptor);
  }

  close(): void {
    for (const descriptor of [...this.mapped.keys()]) this.release(descriptor);
  }
}
