import { type MessagePort, workerData } from 'node:worker_threads';
import { faultOf } from '../thread-fault.js';
import { BatchSource } from './batch-source.js';
import type { FeederWork, FromThread, Microbatch, ToThread, ValidationPart } from './messages.js';
import { Prefetcher } from './prefetcher.js';

/** The program of the feeder's thread: makes microbatches while the main thread computes. It never loads TensorFlow. */
const { port, work } = workerData as { port: MessagePort; work: FeederWork };

const say = (message: FromThread, buffers: ArrayBuffer[] = []) => port.postMessage(message, buffers);

function buffersOf(values: readonly unknown[]): ArrayBuffer[] {
  return values.filter((value) => ArrayBuffer.isView(value)).map(({ buffer }) => buffer as ArrayBuffer);
}

function buffersOfMicrobatch({ batch, samples }: Microbatch): ArrayBuffer[] {
  return buffersOf([...Object.values(batch), samples]);
}

try {
  const source = await BatchSource.open(work);
  const prefetcher = new Prefetcher<Microbatch>({
    make: (place) => source.read(place),
    countOf: (step, cut) => source.countOf(step, cut),
    bytesOf: (microbatch) =>
      buffersOfMicrobatch(microbatch).reduce((sum, { byteLength }) => sum + byteLength, 0),
    deliver: (place, microbatch) => say({ place, microbatch }, buffersOfMicrobatch(microbatch)),
    fail: (place, error) => say({ place, fault: faultOf(error) }),
    limits: { steps: 2, bytes: 64 << 20, atOnce: 4 },
  });
  const validate = async (validation: ValidationPart) => {
    try {
      const batch = await source.validation.read(validation);
      say({ validation, batch }, buffersOf(Object.values(batch)));
    } catch (error) {
      say({ validation, fault: faultOf(error) });
    }
  };
  port.on('message', (message: ToThread) => {
    if ('lease' in message) prefetcher.expect(message.lease);
    else if ('take' in message) prefetcher.take(message.take);
    else void validate(message.validation);
  });
  say({ opened: source.opened });
  await source.loadAhead();
} catch (error) {
  say({ fault: faultOf(error) });
}
