import type { ServedCall } from '@captrain/exchange';
import { type GradientRange, evenRanges } from './even-ranges.js';
import type { ReduceHere } from './reduce-here.js';
import type { Attempt, Destination, Reduction } from './reduction.js';

/**
 * `--reduce workers`: each worker adds up one part of the parameters, and this process sees none of them; unless a sum is
 * in doubt, and added up here. A worker that is not trusted adds nothing up; where nobody is, all is added up here.
 */
export class ReduceAmongWorkers implements Reduction {
  readonly isCollective = false;
  readonly isByRange = true;

  constructor(private readonly here: ReduceHere) {}

  open(attempt: Attempt, range: GradientRange): Destination {
    const { generation, shares } = attempt;
    const trusted = [...shares.keys()].filter(({ isDistrusted }) => !isDistrusted);
    if (trusted.length === 0) return this.here.open(attempt, range);
    this.here.close(`Workers add generation ${generation} up among themselves.`);
    const ranges = evenRanges(range, trusted.length);
    const reducers = trusted
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
