import { once } from 'node:events';
import { type ServerWritableStream, type ServiceError, status as codes } from '@grpc/grpc-js';
import { CHUNK_VALUES, type GradientChunk, type PullGradientRequest } from '@captrain/protos';
import type { GlobalBatch } from './global-batch.js';
import type { Subtree } from './subtree.js';

/** Receives the workers' gradient sums and serves the global one. */
export class GradientExchange {
  private batch: GlobalBatch | undefined;
  private published: GlobalBatch | undefined;

  /** `generation` is raised whenever a step is begun again: what is still on its way for the attempt before is thrown away. */
  constructor(public generation: number) {}

  /** From now on gradients of `batch` are received. */
  open(batch: GlobalBatch): void {
    this.batch = batch;
  }

  /** Serves the sum of `batch`. The one before it is no longer needed: its step was computed upon by all. */
  publish(batch: GlobalBatch): void {
    if (this.published !== undefined) batch.pool.give(this.published.gradient);
    this.published = batch;
  }

  /** Receives one subtree's gradient; throws a gRPC error where it does not belong to the present step. */
  async receive(chunks: AsyncIterable<GradientChunk>): Promise<void> {
    const { batch } = this;
    if (batch === undefined) throw refusal('no step is being computed');
    let subtree: Subtree | undefined;
    let received = 0;
    let isOld = false;
    const sum = batch.pool.take();
    const bytes = new Uint8Array(sum.buffer);
    try {
      for await (const chunk of chunks) {
        if (chunk.generation < batch.generation && chunk.step === batch.step) isOld = true;
        else if (chunk.generation !== batch.generation || chunk.step !== batch.step) {
          throw refusal(`step ${chunk.step} of generation ${chunk.generation} is not being computed`);
        }
        subtree ??= { first: chunk.firstMicrobatch, count: chunk.microbatches };
        const isNext = chunk.offset === received && chunk.values.length % 4 === 0;
        if (!isNext || chunk.total !== sum.length || received + chunk.values.length / 4 > sum.length) {
          throw refusal(
            `a chunk at ${chunk.offset} of ${chunk.total} does not continue ${received} of ${sum.length}`,
          );
        }
        bytes.set(chunk.values, chunk.offset * 4);
        received += chunk.values.length / 4;
      }
      if (subtree === undefined || received !== sum.length) {
        throw refusal(`the gradient ended after ${received} of ${sum.length} values`);
      }
    } catch (error) {
      batch.pool.give(sum);
      throw error;
    }
    // A subtree that was leased again may arrive twice: the first counts.
    if (batch === this.batch && !isOld && batch.awaits(subtree)) batch.addGradient(subtree, sum);
    else batch.pool.give(sum);
  }

  /** Sends the global gradient of the requested step, waiting whenever the receiver is slower. */
  async send(call: ServerWritableStream<PullGradientRequest, GradientChunk>): Promise<void> {
    const { generation, step } = call.request;
    if (generation !== this.published?.generation || step !== this.published.step) {
      throw refusal(`the gradient of step ${step} of generation ${generation} is not here`);
    }
    const { gradient } = this.published;
    const total = gradient.length;
    for (let offset = 0; offset < total; offset += CHUNK_VALUES) {
      const part = gradient.subarray(offset, offset + CHUNK_VALUES);
      const values = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      const chunk = { generation, step, firstMicrobatch: 0, microbatches: 0, offset, total, values };
      if (!call.write(chunk)) await Promise.race([once(call, 'drain'), once(call, 'cancelled')]);
      if (call.cancelled) return;
    }
    call.end();
  }
}

function refusal(reason: string): Partial<ServiceError> {
  return { code: codes.FAILED_PRECONDITION, details: `The gradient is refused: ${reason}.` };
}
