import { evenRanges } from './even-ranges.js';
import { refuseCall } from './refuse-call.js';
import type { Attempt, Destination, Reduction } from './reduction.js';

/** `--reduce workers`: each worker adds up one part of the parameters, and this process sees none of them. */
export class ReduceAmongWorkers implements Reduction {
  readonly isCollective = false;
  readonly handle = refuseCall;

  open({ total, shares }: Attempt): Destination {
    const ranges = evenRanges(total, shares.size);
    const reducers = [...shares.keys()]
      .map(({ peerAddress, worker }, i) => ({ address: peerAddress, worker, ...ranges[i]! }))
      .filter(({ first, end }) => first < end);
    return { reducers, collectiveGroup: 0 };
  }

  computed(): void {}

  awaited(): number[] {
    return [];
  }

  close(): void {}
}
