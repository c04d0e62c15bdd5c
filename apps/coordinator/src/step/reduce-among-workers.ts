import { status as codes } from '@grpc/grpc-js';
import type { Reducer as ReducerPlace } from '@captrain/protos';
import { evenRanges } from './even-ranges.js';
import type { Attempt, ReduceCall, Reduction } from './reduction.js';

/** `--reduce workers`: each worker adds up one part of the parameters, and this process sees none of them. */
export class ReduceAmongWorkers implements Reduction {
  open({ total, shares }: Attempt): ReducerPlace[] {
    const ranges = evenRanges(total, shares.size);
    return [...shares.keys()]
      .map(({ peerAddress, worker }, i) => ({ address: peerAddress, worker, ...ranges[i]! }))
      .filter(({ first, end }) => first < end);
  }

  awaited(): number[] {
    return [];
  }

  handle(call: ReduceCall): void {
    const details = 'The workers of this run add gradients up among themselves.';
    call.emit('error', { code: codes.FAILED_PRECONDITION, details });
  }

  close(): void {}
}
