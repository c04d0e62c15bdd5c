import { status as codes } from '@grpc/grpc-js';
import type { Reducer as ReducerPlace } from '@captrain/protos';
import type { Attempt, ReduceCall, Reduction } from './reduction.js';

/** Ranges begin at multiples of this many values, so that nobody's chunks are cut askew. */
const ALIGNMENT = 1024;

/** `--reduce workers`: each worker adds up one part of the parameters, and this process sees none of them. */
export class ReduceAmongWorkers implements Reduction {
  open({ total, shares }: Attempt): ReducerPlace[] {
    const members = [...shares.keys()];
    const bound = (i: number) =>
      i === members.length
        ? total
        : Math.min(total, Math.round((i * total) / members.length / ALIGNMENT) * ALIGNMENT);
    return members
      .map(({ peerAddress, worker }, i) => ({
        address: peerAddress,
        worker,
        first: bound(i),
        end: bound(i + 1),
      }))
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
