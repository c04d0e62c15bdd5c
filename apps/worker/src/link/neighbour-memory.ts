import { SharedMemory } from '@captrain/engine/sums';
import type { SharedValues } from '@captrain/protos';

/** Plans that memory which none of them has named stays mapped for. */
const PLANS_KEPT = 8;

/**
 * Memory of other processes of this host, read here and never written to. It stays mapped from step to step: the first
 * touch of every page costs more than all that is read there later.
 */
export class NeighbourMemory {
  private readonly mapped = new Map<number, { readonly memory: SharedMemory; plan: number }>();
  private plan = 0;

  /** So many values of a process, by their name there. Throws where they cannot be read from here. */
  values(process: number, { descriptor, stamp }: SharedValues, count: number): Float32Array {
    let known = this.mapped.get(stamp);
    if (known === undefined) {
      known = { memory: SharedMemory.open(process, descriptor, count * 4), plan: this.plan };
      this.mapped.set(stamp, known);
    }
    known.plan = this.plan;
    return known.memory.floats();
  }

  /** There is a new plan: gives back what has not been named for a while. */
  nextPlan(): void {
    this.plan++;
    for (const [stamp, { memory, plan }] of this.mapped) {
      if (plan >= this.plan - PLANS_KEPT) continue;
      memory.close();
      this.mapped.delete(stamp);
    }
  }

  close(): void {
    for (const { memory } of this.mapped.values()) memory.close();
    this.mapped.clear();
  }
}
