import { type MessagePort, workerData } from 'node:worker_threads';
import { faultOf } from '../thread-fault.js';
import { BatchSource } from './batch-source.js';
import { type FeederWork, type FromThread, type Microbatch, type ToThread } from './messages.js';
import { Prefetcher } from './prefetcher.js';

/** The program of the feeder's thread: makes microbatches while the main thread computes. It never loads TensorFlow. */
const { port, work } = workerData as { port: MessagePort; work: FeederWork };

const say = (message: FromThread, buffers: ArrayBuffer[] = []) => port.postMessage(message, buffers);

function buffersOf({ batch, samples }: Microbatch): ArrayBuffer[] {
  return [...Object.values(batch), samples]
    .filter((value) => ArrayBuffer.isView(value))
    .map(({ buffer }) => buffer as ArrayBuffer);
}

try {
  const source = await BatchSource.open(work);
  const prefetcher = new Prefetcher<Microbatch>({
    make: (place) => source.read(place),
    countOf: (step, cut) => source.countOf(step, cut),
    bytesOf: (microbatch) => buffersOf(microbatch).reduce((sum, { byteLength }) => sum + byteLength, 0),
    deliver: (place, microbatch) => say({ place, microbatch }, buffersOf(microbatch)),
    fail: (place, error) => say({ place, fault: faultOf(error) }),
    limits: { steps: 2, bytes: 64 << 20, atOnce: 4 },
  });
  port.on('message', (message: ToThread) => {
    if ('lease' in message) prefetcher.expect(message.lease);
    else prefetcher.take(message.take);
  });
  say({ opened: source.opened });
  await source.loadAhead();
} catch (error) {
  say({ fault: faultOf(error) });
}
