import { workerData } from 'node:worker_threads';
import { openStore } from '@captrain/data';
import { SharedMemory } from '@captrain/engine/sums';
import type { CheckpointFile } from '@captrain/protos';
import { faultPoint, messageOf, sha256 } from '@captrain/runtime';
import { partsOfFile } from '../checkpoint-files.js';
import type { Say } from '../link/messages.js';
import type { FilesToWrite, FromWriter, ToWriter, WriterWork } from './messages.js';

/** The program of the writer's thread: it puts checkpoint files into the store while others train. It never loads TensorFlow. */
const { run, port, speaker } = workerData as WriterWork;

async function write({ step, updates, folder, files }: FilesToWrite): Promise<CheckpointFile[]> {
  const store = await openStore(run);
  const written: CheckpointFile[] = [];
  for (const [i, { file, memory }] of files.entries()) {
    const shared = SharedMemory.open(process.pid, memory.descriptor, memory.bytes);
    try {
      const parts = partsOfFile(file, shared.floats(), updates);
      if (i === files.length - 1) faultPoint('writing-checkpoint', step);
      await store.put(`${folder}/${file.name}`, parts);
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      written.push({ name: file.name, bytes, sha256: sha256(...parts) });
    } finally {
      shared.close();
    }
  }
  return written;
}

async function report(work: FilesToWrite): Promise<void> {
  const { connection, step, stallSeconds } = work;
  const about = { step, stallSeconds };
  const say = await write(work).then(
    (files) => ({ checkpointWritten: { ...about, files } }),
    (error) => ({ checkpointWritten: { ...about, fault: messageOf(error) } }),
  );
  speaker.postMessage({ connection, say } satisfies Say);
}

let last: Promise<unknown> = Promise.resolve();
port.on('message', ({ id, write: work }: ToWriter) => {
  last = last.then(() => report(work)).then(() => port.postMessage({ done: id } satisfies FromWriter));
});
