import type { ServedCall } from '@captrain/exchange';
import { evenRanges } from './even-ranges.js';
import type { ReduceHere } from './reduce-here.js';
import type { Attempt, Destination, Reduction } from './reduction.js';

/**
 * `--reduce workers`: each worker adds up one part of the parameters, and this process sees none of them; unless a sum is
 * in doubt, and added up here.
 */
export class ReduceAmongWorkers implements Reduction {
  readonly isCollective = false;

  constructor(private readonly here: ReduceHere) {}

  open({ generation, total, shares }: Attempt): Destination {
    this.here.close(`Workers add generation ${generation} up among themselves.`);
    const ranges = evenRanges(total, shares.size);
    const reducers = [...shares.keys()]
      .map(({ peerAddress, worker }, i) => ({ address: peerAddress, worker, ...ranges[i]! }))
      .filter(({ first, end }) => first < end);
    return { reducers, collectiveGroup: 0 };
  }

  computed(): void {}

  awaited(): number[] {
    return this.here.awaited();
  }

  handle(call: ServedCall): void {
    this.here.handleIfOpen(call);
  }

  close(reason: string): void {
    this.here.close(reason);
  }
}
