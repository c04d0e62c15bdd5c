import { status as codes } from '@grpc/grpc-js';
import type { ReduceCall } from './reduction.js';

/** Nobody has been told to send sums here. */
export function refuseCall(call: ReduceCall): void {
  const details = 'The workers of this run add gradients up among themselves.';
  call.emit('error', { code: codes.FAILED_PRECONDITION, details });
}
