import { type ServerWritableStream, status } from '@grpc/grpc-js';
import { type SharedMemory, crc32c } from '@captrain/engine/sums';
import { type FetchStateRequest, type StateChunk } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';

const CHUNK_BYTES = 4 << 20;

type Call = ServerWritableStream<FetchStateRequest, StateChunk>;

interface State {
  readonly step: number;
  /** Updates that the optimizer has counted. */
  readonly updates: number;
  /** In the order of `StateArrays`. */
  readonly arrays: readonly SharedMemory[];
  /** Aborted once it is no longer provided. */
  readonly withdrawn: AbortController;
  readers: number;
}

/** The state of one step, which peers may fetch until another takes its place. */
export class ProvidedState {
  private state: State | undefined;

  /** Provides this state; its memory is closed once nobody reads it any more. */
  provide(step: number, updates: number, arrays: readonly SharedMemory[]): void {
    this.withdraw();
    this.state = { step, updates, arrays, withdrawn: new AbortController(), readers: 0 };
  }

  /** Nobody may begin to fetch the state any more, and whoever has begun gets an error. */
  withdraw(): void {
    const { state } = this;
    this.state = undefined;
    state?.withdrawn.abort();
    if (state?.readers === 0) free(state);
  }

  /** Serves captrain.v1.Peer.FetchState. */
  readonly handle = async (call: Call): Promise<void> => {
    const { state } = this;
    const { step } = call.request;
    if (state?.step !== step) return refuse(call, `This worker does not provide the state of step ${step}.`);
    state.readers++;
    try {
      await send(call, state);
    } finally {
      if (--state.readers === 0 && state.withdrawn.signal.aborted) free(state);
    }
    if (state.withdrawn.signal.aborted) refuse(call, `This worker has gone on from step ${step}.`);
    else call.end();
  };
}

async function send(call: Call, { step, updates, arrays, withdrawn: { signal } }: State): Promise<void> {
  const total = arrays.reduce((sum, { bytes }) => sum + bytes / 4, 0);
  let offset = 0;
  for (const array of arrays)
    for (let first = 0; first < array.bytes; first += CHUNK_BYTES) {
      const values = Buffer.from(array.view(first, Math.min(CHUNK_BYTES, array.bytes - first)));
      const goesOn = call.write({ step, offset, updates, checksum: crc32c(values), values });
      offset += values.length / 4;
      if (2 * offset >= total) faultPoint('providing-state', step);
      if (!goesOn) await roomIn(call, signal);
      if (call.cancelled || signal.aborted) return;
    }
}

function free({ arrays }: State): void {
  for (const memory of arrays) memory.close();
}

/** Waits until more can be written, or need not be. */
function roomIn(call: Call, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done).off('cancelled', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.on('drain', done).on('cancelled', done);
    signal.addEventListener('abort', done);
  });
}

function refuse(call: Call, details: string): void {
  call.emit('error', { code: status.FAILED_PRECONDITION, details });
}
