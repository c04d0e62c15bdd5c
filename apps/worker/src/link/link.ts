import { type MessagePort, MessageChannel, Worker } from 'node:worker_threads';
import type { SharedMemory } from '@captrain/engine/sums';
import type { CoordinatorMessage__Output, WorkerMessage } from '@captrain/protos';
import { errorOf } from '../thread-fault.js';
import type { FromLink, LinkWork, ReadySums, Request, SharedArray, ToLink } from './messages.js';

/** How long the thread's last words may take. */
const FAREWELL_MS = 5000;

interface Waiting {
  resolve(value: number): void;
  reject(error: unknown): void;
}

const builtProgram = new URL('./link-thread.js', import.meta.url);

/**
 * The thread that speaks with the coordinator and with peers, as the main thread sees it. It goes on while the main thread
 * stands still inside TensorFlow: heartbeats, reductions, a lost connection's return.
 */
export class Link {
  /** What the coordinator has said and nobody has taken yet, in order. */
  private readonly queue: Extract<FromLink, { message: unknown } | { lost: true }>[] = [];
  private readonly requests = new Map<number, Waiting>();
  private requested = 0;
  /** The connection of the last message taken: what is said is said over that one. */
  private connection = 0;
  private wake: () => void = () => undefined;
  private ended: Error | undefined;
  private closed: () => void = () => undefined;

  private constructor(
    private readonly worker: Worker,
    private readonly port: MessagePort,
  ) {
    port.on('message', (message: FromLink) => this.receive(message));
    worker.on('error', (error) => this.end(error));
    worker.on('exit', () => this.end(new Error('the thread that speaks with the coordinator has ended')));
  }

  /** Starts the thread, which asks for the coordinator at once. `program` is what it runs, where tests run it from source. */
  static open(work: LinkWork, program: URL = builtProgram): Link {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(program, {
      name: 'link',
      workerData: { port: port2, work },
      transferList: [port2],
    });
    return new Link(worker, port1);
  }

  /**
   * What the coordinator says, one message after another, and 'lost' where it went away. Throws a UserError where there is none to be found, or it refuses
   * this worker.
   */
  async *messages(): AsyncGenerator<CoordinatorMessage__Output | 'lost'> {
    for (;;) {
      const next = this.queue.shift();
      if (next !== undefined && 'lost' in next) yield 'lost';
      else if (next !== undefined) {
        this.connection = next.connection;
        yield next.message;
      } else if (this.ended !== undefined) throw this.ended;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** What has come and waits to be taken. */
  get waiting(): CoordinatorMessage__Output[] {
    return this.queue.flatMap((heard) => ('message' in heard ? heard.message : []));
  }

  /** Number of the connection that is spoken over now. */
  get present(): number {
    return this.connection;
  }

  say(say: WorkerMessage): void {
    this.tell({ connection: this.connection, say });
  }

  /** Names memory to the thread by its descriptor, until it is released. */
  async share(memory: SharedMemory): Promise<void> {
    await this.ask({ share: shared(memory) });
  }

  /** To be called before the memory is closed. */
  release({ descriptor }: SharedMemory): void {
    this.tell({ release: descriptor });
  }

  /** The shared memory that every global gradient is received in. */
  receiveInto({ descriptor }: SharedMemory): void {
    this.tell({ result: descriptor });
  }

  exchange(sums: ReadySums): void {
    this.tell({ exchange: sums });
  }

  /** Provides a state to peers until the next plan; its memory may be closed here then. */
  async provide(step: number, updates: number, arrays: readonly SharedMemory[]): Promise<void> {
    await this.ask({ provide: { step, updates, arrays: arrays.map(shared) } });
  }

  /** Downloads a peer's state; returns the updates that the optimizer has counted. Rejects where it cannot be had. */
  download(peer: string, step: number, arrays: readonly SharedMemory[]): Promise<number> {
    return this.ask({ download: { peer, step, arrays: arrays.map(shared) } });
  }

  /** A port over which another thread speaks to the coordinator, too; it is to be transferred there. */
  speaker(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.port.postMessage({ speaker: port1 } satisfies ToLink, [port1]);
    return port2;
  }

  /** Asks the coordinator to let this worker go; where there is none, that is heard as its consent. */
  drain(): void {
    this.tell({ drain: true });
  }

  /** Ends the thread once what was said has left, or after a moment. */
  async close(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.closed = resolve;
      this.worker.once('exit', () => resolve());
      setTimeout(resolve, FAREWELL_MS).unref();
    });
    this.tell({ close: true });
    await gone;
    await this.worker.terminate();
    this.port.close();
  }

  private tell(message: ToLink): void {
    this.port.postMessage(message);
  }

  private ask(body: Request): Promise<number> {
    const request = this.requested++;
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined) return reject(this.ended);
      this.requests.set(request, { resolve, reject });
      this.tell({ request, body });
    });
  }

  private receive(message: FromLink): void {
    if ('message' in message || 'lost' in message) this.queue.push(message);
    else if ('ended' in message) return this.end(errorOf(message.ended));
    else if ('closed' in message) return this.closed();
    else {
      const waiting = this.requests.get(message.answer);
      this.requests.delete(message.answer);
      if ('fault' in message) waiting?.reject(errorOf(message.fault));
      else waiting?.resolve(message.value);
    }
    this.wake();
  }

  private end(reason: Error): void {
    this.ended ??= reason;
    for (const waiting of this.requests.values()) waiting.reject(this.ended);
    this.requests.clear();
    this.wake();
  }
}

function shared({ descriptor, bytes }: SharedMemory): SharedArray {
  return { descriptor, bytes };
}
