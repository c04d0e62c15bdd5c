import { once } from 'node:events';
import { CHUNK_VALUES, type Subtree, type TrainingClient } from '@captrain/protos';

export type Client = InstanceType<typeof TrainingClient>;

export interface StepId {
  readonly generation: number;
  readonly step: number;
}

/** Uploads the gradient sum of a subtree; rejects where the coordinator refuses it. */
export async function pushGradient(
  client: Client,
  { generation, step }: StepId,
  subtree: Subtree,
  gradient: Float32Array,
): Promise<void> {
  let call!: ReturnType<Client['pushGradient']>;
  const answer = new Promise<void>((resolve, reject) => {
    call = client.pushGradient((error) => (error ? reject(error) : resolve()));
  });
  const total = gradient.length;
  const answered = answer.catch(() => {});
  for (let offset = 0; offset < total; offset += CHUNK_VALUES) {
    const part = gradient.subarray(offset, offset + CHUNK_VALUES);
    const more = call.write({
      generation,
      step,
      firstMicrobatch: subtree.first,
      microbatches: subtree.count,
      offset,
      total,
      values: Buffer.from(part.buffer, part.byteOffset, part.byteLength),
    });
    if (!more) await Promise.race([once(call, 'drain'), answered]);
  }
  call.end();
  await answer;
}

/** Downloads the global gradient sum of a step into `gradient`. */
export async function pullGradient(client: Client, id: StepId, gradient: Float32Array): Promise<void> {
  const bytes = new Uint8Array(gradient.buffer, gradient.byteOffset, gradient.byteLength);
  let received = 0;
  for await (const chunk of client.pullGradient(id)) {
    const { offset, total, values } = chunk as { offset: number; total: number; values: Uint8Array };
    if (offset !== received || total !== gradient.length) {
      throw new Error(
        `A chunk at ${offset} of ${total} does not continue ${received} of ${gradient.length}.`,
      );
    }
    bytes.set(values, offset * 4);
    received += values.length / 4;
  }
  if (received !== gradient.length) {
    throw new Error(`The gradient of step ${id.step} ended after ${received} of ${gradient.length} values.`);
  }
}
