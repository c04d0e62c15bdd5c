import { setMaxListeners } from 'node:events';
import type { PartInReduction, ReductionSeen } from './part-in-reduction.js';
import { receiveSum } from './receive-sum.js';
import type { ReducerConnection } from './reducer-connection.js';
import { sendSums } from './send-sums.js';
import type { SumOutcome } from './sum-checksum.js';

/**
 * Sends the values of [first, end) of each sum to a reducer, and receives those of the global one. `result` is whole when
 * the promise resolves, and no longer written to when it rejects: with a call's ServiceError (FAILED_PRECONDITION where
 * something was refused or is stale; `details` is the sentence), or with the signal's reason.
 */
export async function reduceThrough(
  connection: ReducerConnection,
  part: PartInReduction,
): Promise<ReductionSeen & SumOutcome> {
  part.signal.throwIfAborted();
  const receiving = connection.call('receive');
  const sending = part.sums.length > 0 ? connection.call('send') : undefined;
  const cancel = () => {
    receiving.cancel();
    sending?.cancel();
  };
  // A worker has many parts at a time, and each of them listens.
  setMaxListeners(0, part.signal);
  part.signal.addEventListener('abort', cancel);
  const received = receiveSum(receiving, part);
  const sent = sending === undefined ? 0 : sendSums(sending, part, connection.pool);
  try {
    const [seen, bytesSent] = await Promise.all([received, sent]);
    return { ...seen, bytesSent };
  } catch (error) {
    cancel();
    await Promise.allSettled([received, sent]);
    part.signal.throwIfAborted();
    throw error;
  } finally {
    part.signal.removeEventListener('abort', cancel);
  }
}
