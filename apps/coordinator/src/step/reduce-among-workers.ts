import { status as codes } from '@grpc/grpc-js';
import type { Reducer as ReducerPlace } from '@captrain/protos';
import { evenRanges } from './even-ranges.js';
import type { ReduceHere } from './reduce-here.js';
import type { Attempt, ReduceCall, Reduction } from './reduction.js';

/**
 * `--reduce workers`: each worker adds up one part of the parameters, and this process sees none of them; unless a sum is
 * in doubt, and added up here.
 */
export class ReduceAmongWorkers implements Reduction {
  constructor(private readonly here: ReduceHere) {}

  open({ generation, total, shares }: Attempt): ReducerPlace[] {
    this.here.close(`Workers add generation ${generation} up among themselves.`);
    const ranges = evenRanges(total, shares.size);
    return [...shares.keys()]
      .map(({ peerAddress, worker }, i) => ({ address: peerAddress, worker, ...ranges[i]! }))
      .filter(({ first, end }) => first < end);
  }

  awaited(): number[] {
    return this.here.awaited();
  }

  handle(call: ReduceCall): void {
    if (this.here.isOpen) return this.here.handle(call);
    const details = 'The workers of this run add gradients up among themselves.';
    call.emit('error', { code: codes.FAILED_PRECONDITION, details });
  }

  close(reason: string): void {
    this.here.close(reason);
  }
}
