import { randomInt } from 'node:crypto';
import { SharedMemory } from '@captrain/engine/sums';
import type { SharedValues } from '@captrain/protos';
import type { SharedArray } from './messages.js';

/** Values in memory of this process, and their name for its neighbours. */
export interface SharedView {
  readonly values: Float32Array;
  readonly name: SharedValues;
}

/** Memory that another thread of this process has made, mapped here and named by its descriptor. */
export class SharedViews {
  private readonly mapped = new Map<number, { readonly memory: SharedMemory; readonly stamp: number }>();

  map({ descriptor, bytes }: SharedArray): SharedMemory {
    const memory = SharedMemory.open(process.pid, descriptor, bytes);
    this.mapped.set(descriptor, { memory, stamp: randomInt(2 ** 47) });
    return memory;
  }

  of(descriptor: number): SharedView {
    const mapped = this.mapped.get(descriptor);
    if (mapped === undefined) throw new Error(`memory ${descriptor} is not shared with this thread`);
    return { values: mapped.memory.floats(), name: { descriptor, stamp: mapped.stamp } };
  }

  release(descriptor: number): void {
    this.mapped.get(descriptor)?.memory.close();
    this.mapped.delete(descriptor);
  }

  close(): void {
    for (const descriptor of [...this.mapped.keys()]) this.release(descriptor);
  }
}
