import { type MessagePort, MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
import { stepPlan } from '@captrain/data/order';
import type { PackedBatch } from '@captrain/model/batches';
import { errorOf } from '../thread-fault.js';
import {
  type FeederWork,
  type FromThread,
  type Lease,
  type Microbatch,
  type Opened,
  type Place,
  type ToThread,
  type ValidationPart,
  followed,
  isLikely,
  keyOf,
  partKey,
} from './messages.js';

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

export interface FeederOptions extends FeederWork {
  /** Ends the thread; whoever waits gets the signal's reason. */
  readonly signal?: AbortSignal;
  /** What the thread runs: the built program, unless tests run it from source. */
  readonly program?: URL;
}

const builtProgram = new URL('./feeder-thread.js', import.meta.url);

/**
 * A run's microbatches, read, tokenized and packed by a thread of its own, ahead of their time: the main thread stands
 * still inside TensorFlow for most of a step, and could not even receive what a store answers. Steps and microbatches
 * are counted from 0. The thread keeps no process alive, except while someone waits for a batch.
 */
export class Feeder {
  private readonly ready = new Map<string, { place: Place; microbatch: Microbatch }>();
  private readonly waiting = new Map<string, Waiting<Microbatch>>();
  private readonly waitingToValidate = new Map<string, Waiting<PackedBatch>>();
  private lease: Lease | undefined;
  private opening: Waiting<Opened> | undefined;
  private opened: Opened | undefined;
  /** Why nothing comes any more. */
  private ended: Error | undefined;

  private constructor(
    private readonly worker: Worker,
    private readonly port: MessagePort,
    private readonly work: FeederWork,
    private readonly signal: AbortSignal | undefined,
  ) {
    port.on('message', (message: FromThread) => this.receive(message));
    worker.on('error', (error) => this.end(error));
    worker.on('exit', () => this.end(new Error('the thread that reads the data has ended')));
    signal?.addEventListener('abort', this.abort, { once: true });
  }

  /** Starts the thread, which opens data and tokenizer; throws its UserErrors. */
  static async open(options: FeederOptions): Promise<Feeder> {
    const { signal, program = builtProgram, config, expect, languageModel } = options;
    signal?.throwIfAborted();
    const work: FeederWork = { config, expect, languageModel };
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(program, {
      name: 'feeder',
      workerData: { port: port2, work },
      transferList: [port2],
    });
    const feeder = new Feeder(worker, port1, work, signal);
    try {
      feeder.opened = await new Promise<Opened>((resolve, reject) => {
        feeder.opening = { resolve, reject };
      });
    } catch (error) {
      await feeder.close();
      throw error;
    }
    feeder.holdProcess(false);
    return feeder;
  }

  /** What the data are. */
  get data(): Opened {
    return this.opened!;
  }

  /** Microbatches of a step in a cut; fewer in the last, short step of an epoch. */
  countOf(step: number, cut: number): number {
    const { batchSize } = this.work.config;
    return stepPlan(this.data.captions, { batchSize, microbatches: cut }, step).microbatches.length;
  }

  /**
   * Says which microbatches will be asked for, in this order; the same of the next steps are made ahead, too. A second
   * lease of the same step and cut adds to the first.
   */
  expect(lease: Lease): void {
    this.drain();
    const now = (this.lease = followed(this.lease, lease));
    for (const [key, { place }] of this.ready) if (!isLikely(now, place)) this.ready.delete(key);
    this.tell({ lease });
  }

  /**
   * A microbatch, which is the caller's from now on. One that is there already is given without a turn of the event
   * loop. Throws the thread's errors: UserErrors for shards that are missing or damaged.
   */
  async microbatch(place: Place): Promise<Microbatch> {
    this.drain();
    if (this.ended !== undefined) throw this.ended;
    const key = keyOf(place);
    this.tell({ take: place });
    const there = this.ready.get(key);
    if (there !== undefined) {
      this.ready.delete(key);
      return there.microbatch;
    }
    return this.arrival(this.waiting, key);
  }

  /**
   * Captions to validate on, which are the caller's from now on. Throws UserErrors for a split that the data do not have,
   * and for shards that are missing or damaged.
   */
  async validationBatch(part: ValidationPart): Promise<PackedBatch> {
    if (this.ended !== undefined) throw this.ended;
    this.tell({ validation: part });
    return this.arrival(this.waitingToValidate, partKey(part));
  }

  /** Ends the thread. Whoever still waits gets an error. */
  async close(): Promise<void> {
    this.signal?.removeEventListener('abort', this.abort);
    this.end(new Error('the feeder is closed'));
    // It only reads: there is nothing to bring to an end.
    await this.worker.terminate();
    this.port.close();
  }

  private readonly abort = () => {
    this.end(this.signal!.reason as Error);
    void this.worker.terminate();
  };

  private async arrival<T>(waiting: Map<string, Waiting<T>>, key: string): Promise<T> {
    if (waiting.has(key)) throw new Error(`microbatch ${key} is asked for twice at once`);
    const arriving = new Promise<T>((resolve, reject) => waiting.set(key, { resolve, reject }));
    this.holdProcess(true);
    try {
      return await arriving;
    } finally {
      if (this.waiting.size + this.waitingToValidate.size === 0) this.holdProcess(false);
    }
  }

  private tell(message: ToThread): void {
    this.port.postMessage(message);
  }

  /** Receives what has come while the event loop stood still. */
  private drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port);
      if (received === undefined) return;
      this.receive(received.message as FromThread);
    }
  }

  private receive(message: FromThread): void {
    if ('opened' in message) this.opening?.resolve(message.opened);
    else if ('validation' in message) {
      const key = partKey(message.validation);
      const waiting = this.waitingToValidate.get(key);
      this.waitingToValidate.delete(key);
      if ('fault' in message) waiting?.reject(errorOf(message.fault));
      else waiting?.resolve(message.batch);
    } else if (!('place' in message)) this.end(errorOf(message.fault));
    else {
      const key = keyOf(message.place);
      const waiting = this.waiting.get(key);
      this.waiting.delete(key);
      if ('fault' in message) waiting?.reject(errorOf(message.fault));
      else if (waiting !== undefined) waiting.resolve(message.microbatch);
      else this.ready.set(key, { place: message.place, microbatch: message.microbatch });
    }
  }

  private end(reason: Error): void {
    this.ended ??= reason;
    this.opening?.reject(this.ended);
    for (const waiting of [this.waiting, this.waitingToValidate]) {
      for (const { reject } of waiting.values()) reject(this.ended);
      waiting.clear();
    }
  }

  private holdProcess(hold: boolean): void {
    if (hold) {
      this.worker.ref();
      this.port.ref();
    } else {
      this.worker.unref();
      this.port.unref();
    }
  }
}
