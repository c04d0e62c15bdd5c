import type { PartInReduction, ReductionSeen } from './part-in-reduction.js';
import { receiveSum } from './receive-sum.js';
import type { OutgoingCall, ReduceClient, ReducerConnection } from './reducer-connection.js';
import { sendSums } from './send-sums.js';

/**
 * Sends the values of [first, end) of each sum to a reducer, and receives those of the global one. `result` is whole when
 * the promise resolves, and no longer written to when it rejects: with a call's ServiceError (FAILED_PRECONDITION where
 * something was refused or is stale; `details` is the sentence), or with the signal's reason.
 */
export async function reduceThrough(
  { sending, receiving }: ReducerConnection,
  part: PartInReduction,
): Promise<ReductionSeen> {
  part.signal.throwIfAborted();
  const calls: OutgoingCall[] = [];
  const begin = (client: ReduceClient): OutgoingCall => {
    const call = client.reduce();
    calls.push(call);
    return call;
  };
  const cancel = () => calls.forEach((call) => call.cancel());
  // One of its own: a worker has many parts at a time, and each listens.
  const signal = AbortSignal.any([part.signal]);
  signal.addEventListener('abort', cancel);
  const received = receiveSum(begin(receiving), part);
  const sent = part.sums.length > 0 ? sendSums(begin(sending), part) : 0;
  try {
    const [seen, bytesSent] = await Promise.all([received, sent]);
    return { ...seen, bytesSent };
  } catch (error) {
    cancel();
    await Promise.allSettled([received, sent]);
    part.signal.throwIfAborted();
    throw error;
  }
}
