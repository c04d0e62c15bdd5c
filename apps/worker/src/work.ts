import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { copyOut, isOutOfMemory, tf } from '@captrain/engine';
import type {
  Compute,
  CoordinatorMessage__Output,
  Update,
  Welcome,
  WorkerMessage,
  WriteCheckpoint,
} from '@captrain/protos';
import { PROTOCOL_VERSION } from '@captrain/protos';
import { BufferPool, type Logger, UserError, messageOf } from '@captrain/runtime';
import { Replica } from './replica.js';
import { subtreeGradient } from './subtree-gradient.js';
import { type Client, pullGradient, pushGradient } from './transfer.js';

type Stream = ClientDuplexStream<WorkerMessage, CoordinatorMessage__Output>;

/**
 * A worker's life in a run: joins, loads, and then does what the coordinator says, one message after another,
 * until it is told to stop. Returns the coordinator's reason. Throws a UserError where the coordinator refuses
 * this worker, goes away, or the run's model or data cannot be loaded.
 */
export async function work(
  client: Client,
  options: { address: string; name: string; deviceWorkers: number; signal: AbortSignal; log: Logger },
): Promise<string> {
  const stream: Stream = client.work();
  const leave = () => stream.cancel();
  options.signal.addEventListener('abort', leave, { once: true });
  stream.write({ hello: { name: options.name, protocol: PROTOCOL_VERSION } });
  let crew: Membership | undefined;
  try {
    // The stream outlives an error in the loop's body: the error is reported over it.
    const messages: AsyncIterable<CoordinatorMessage__Output> = stream.iterator({ destroyOnReturn: false });
    for await (const message of messages) {
      if (message.stop) return message.stop.reason;
      if (message.welcome) crew = await Membership.begin(client, stream, message.welcome, options);
      else await crew?.obey(message);
    }
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    throw connectionFault(error, options.address) ?? (await reported(stream, error));
  } finally {
    options.signal.removeEventListener('abort', leave);
    stream.end();
    await crew?.close();
  }
  throw new UserError(`The coordinator at ${options.address} ended the connection; see its output.`);
}

/** A worker that belongs to a run: its replica, and the buffers that gradients travel in. */
class Membership {
  private readonly pool: BufferPool;

  private constructor(
    private readonly client: Client,
    private readonly stream: Stream,
    private readonly replica: Replica,
  ) {
    this.pool = new BufferPool(replica.parameters);
  }

  static async begin(
    client: Client,
    stream: Stream,
    welcome: Welcome,
    { deviceWorkers, log, signal }: { deviceWorkers: number; log: Logger; signal: AbortSignal },
  ): Promise<Membership> {
    const replica = await Replica.load(welcome, { deviceWorkers, signal });
    log.info({ worker: welcome.worker, device: replica.device, parameters: replica.parameters }, 'ready');
    stream.write({ ready: replica.introduction() });
    return new Membership(client, stream, replica);
  }

  async close(): Promise<void> {
    await this.replica.close();
  }

  async obey(message: CoordinatorMessage__Output): Promise<void> {
    if (message.fit) this.stream.write({ fitting: { microbatches: this.replica.fittingCut() } });
    else if (message.compute) await this.compute(message.compute);
    else if (message.update) await this.update(message.update);
    else if (message.writeCheckpoint) await this.writeCheckpoint(message.writeCheckpoint);
  }

  /** Where memory is too small for a microbatch the coordinator is told, and cuts the step anew. */
  private async compute(work: Compute): Promise<void> {
    try {
      await this.computeSubtrees(work);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      const { generation, step } = work;
      this.stream.write({ outOfMemory: { generation, step } });
    }
  }

  private async computeSubtrees({ generation, step, subtrees, microbatches: cut }: Compute): Promise<void> {
    const { replica, pool } = this;
    replica.expect(step, cut, subtrees);
    for (const subtree of subtrees) {
      const started = performance.now();
      const lossSums: number[] = [];
      const captionTokens: number[] = [];
      let [captions, inputSeconds] = [0, 0];
      const tensors = await subtreeGradient(
        subtree,
        replica.microbatchesOf(step, cut),
        (microbatch) => replica.gradient({ step, cut, microbatch }),
        (sums) => {
          lossSums.push(sums.lossSum);
          captionTokens.push(sums.captionTokens);
          captions += sums.captions;
          inputSeconds += sums.inputSeconds;
        },
      );
      const gradient = pool.take();
      copyOut(tensors, gradient);
      tf.dispose(tensors);
      const computed = performance.now();
      await pushGradient(this.client, { generation, step }, subtree, gradient);
      pool.give(gradient);
      const computeSeconds = (computed - started) / 1000;
      const pushSeconds = (performance.now() - computed) / 1000;
      this.stream.write({
        computed: {
          generation,
          step,
          subtree,
          lossSums,
          captionTokens,
          captions,
          computeSeconds,
          inputSeconds,
          pushSeconds,
        },
      });
    }
  }

  private async update({
    generation,
    step,
    learningRate,
    captionTokens,
    reportDigest,
  }: Update): Promise<void> {
    const started = performance.now();
    const gradient = this.pool.take();
    await pullGradient(this.client, { generation, step }, gradient);
    const pulled = performance.now();
    this.replica.apply(gradient, { learningRate, captionTokens });
    this.pool.give(gradient);
    this.stream.write({
      updated: {
        generation,
        step,
        replicaDigest: reportDigest ? this.replica.digest() : '',
        pullSeconds: (pulled - started) / 1000,
        updateSeconds: (performance.now() - pulled) / 1000,
      },
    });
  }

  private async writeCheckpoint({ step, folder, files }: WriteCheckpoint): Promise<void> {
    const written = await this.replica.writeCheckpoint(folder, files);
    this.stream.write({ checkpointWritten: { step, files: written } });
  }
}

/** A refusal or a lost connection as a UserError; undefined for the worker's own faults. */
function connectionFault(error: unknown, address: string): UserError | undefined {
  if (!(error instanceof Error) || !('details' in error) || !('code' in error)) return undefined;
  const refused = error.code === 9;
  const details = String(error.details);
  return new UserError(
    refused ? details : `The coordinator at ${address} went away (${details}); see its output.`,
    {
      cause: error,
    },
  );
}

/** Tells the coordinator why this worker cannot go on, waits a moment for it to take note, and returns the reason. */
async function reported(stream: Stream, error: unknown): Promise<unknown> {
  stream.write({ failed: { message: messageOf(error), userError: error instanceof UserError } });
  stream.end();
  await Promise.race([once(stream, 'close').catch(() => {}), setTimeout(2000)]);
  return error;
}

export function defaultName(): string {
  return `${hostname()}:${process.pid}`;
}
