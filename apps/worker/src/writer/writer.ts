import { type MessagePort, MessageChannel, Worker } from 'node:worker_threads';
import type { Snapshot } from '../snapshot.js';
import type { FilesToWrite, FromWriter, ToWriter, WriterWork } from './messages.js';

const builtProgram = new URL('./writer-thread.js', import.meta.url);

/**
 * A thread that writes checkpoint files and reports them to the coordinator by itself: neither waits for the main thread.
 * It writes one snapshot after another.
 */
export class Writer {
  private readonly waiting = new Map<number, Snapshot>();
  private count = 0;
  private readonly worker: Worker;
  private readonly port: MessagePort;

  /** `speaker` leads to the coordinator; `program` is what the thread runs, where tests run it from source. */
  constructor(run: string, speaker: MessagePort, program: URL = builtProgram) {
    const { port1, port2 } = new MessageChannel();
    const workerData: WriterWork = { run, port: port2, speaker };
    this.worker = new Worker(program, { name: 'writer', workerData, transferList: [port2, speaker] });
    this.port = port1;
    port1.on('message', ({ done }: FromWriter) => {
      this.waiting.get(done)?.close();
      this.waiting.delete(done);
    });
  }

  /** Writes a snapshot as soon as its values are there, and closes it. */
  async write(snapshot: Snapshot, target: Pick<FilesToWrite, 'connection' | 'folder'>): Promise<void> {
    await snapshot.ready();
    const id = this.count++;
    this.waiting.set(id, snapshot);
    const { step, updates, stallSeconds } = snapshot;
    const files = snapshot.files.map(({ file, memory: { descriptor, bytes } }) => {
      return { file, memory: { descriptor, bytes } };
    });
    this.port.postMessage({
      id,
      write: { ...target, step, updates, stallSeconds, files },
    } satisfies ToWriter);
  }

  /** Ends the thread; what is not written yet, is not. */
  async close(): Promise<void> {
    await this.worker.terminate();
    this.port.close();
    for (const snapshot of this.waiting.values()) snapshot.close();
    this.waiting.clear();
  }
}
