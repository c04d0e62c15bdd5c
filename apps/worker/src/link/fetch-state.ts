import { credentials } from '@grpc/grpc-js';
import { crc32c } from '@captrain/engine/sums';
import { PeerClient, type StateChunk__Output, channelOptions } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';

/** A peer that sends nothing for so long is given up. */
const SILENCE_MS = 10_000;

/**
 * Downloads the state of a step from a peer into `arrays`, in the order of `StateArrays`. Returns the updates that the
 * optimizer has counted. Rejects where the peer does not have that state, cannot be reached, falls silent, or a chunk is
 * damaged; there is rubbish in the arrays then.
 */
export async function fetchState(
  peer: string,
  step: number,
  arrays: readonly Float32Array[],
): Promise<number> {
  const options = { ...channelOptions, 'grpc.use_local_subchannel_pool': 1 };
  const client = new PeerClient(peer, credentials.createInsecure(), options);
  const call = client.fetchState({ step });
  const silence = setTimeout(() => call.cancel(), SILENCE_MS);
  const length = arrays.reduce((sum, array) => sum + array.length, 0);
  let [received, updates] = [0, 0];
  try {
    for await (const chunk of call as AsyncIterable<StateChunk__Output>) {
      silence.refresh();
      const fault = faultOf(chunk, step, received) ?? put(chunk, arrays);
      if (fault !== undefined)
        throw new Error(`The state of step ${step} from ${peer} is damaged: ${fault}.`);
      const before = received;
      received += (chunk.values as Uint8Array).length / 4;
      updates = chunk.updates;
      if (2 * before < length && 2 * received >= length) faultPoint('fetching-state', step);
    }
  } finally {
    clearTimeout(silence);
    call.on('error', () => undefined).cancel();
    client.close();
  }
  if (received === length) return updates;
  throw new Error(`The state of step ${step} from ${peer} ended after ${received} of ${length} values.`);
}

function faultOf(chunk: StateChunk__Output, step: number, offset: number): string | undefined {
  const bytes = chunk.values as Uint8Array;
  if (chunk.step !== step) return `a part is of step ${chunk.step}`;
  if (chunk.offset !== offset) return `a part begins at ${chunk.offset} instead of ${offset}`;
  if (bytes.length === 0 || bytes.length % 4 !== 0) return `a part has ${bytes.length} bytes`;
  return crc32c(bytes) === chunk.checksum ? undefined : `the part at ${offset} has another checksum`;
}

/** Writes a chunk to its place, which does not go beyond the end of an array. */
function put({ offset, values }: StateChunk__Output, arrays: readonly Float32Array[]): string | undefined {
  const bytes = values as Uint8Array;
  let start = offset;
  for (const array of arrays) {
    if (start < array.length) {
      if (start + bytes.length / 4 > array.length) return `the part at ${offset} is too long`;
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes, start * 4);
      return undefined;
    }
    start -= array.length;
  }
  return `the part at ${offset} is beyond its end`;
}
