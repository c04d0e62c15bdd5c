import type { ObjectStore } from '@captrain/data';
import {
  type Checkpoint,
  type CheckpointManifest,
  MODEL_FILE,
  OPTIMIZER_FILE,
  checkpointFolder,
  commitCheckpoint,
} from '@captrain/model/run';
import type { CheckpointFile } from '@captrain/protos';
import type { Crew } from './crew.js';
import type { Member } from './member.js';

/**
 * Has the workers write a checkpoint, each its files, and commits it. What is written never depends on who
 * writes: replicas are identical. A lost worker's file is written by another.
 */
export async function writeCheckpoint(
  crew: Crew,
  store: ObjectStore,
  manifest: Omit<CheckpointManifest, 'files'>,
  onLost: (member: Member) => void,
): Promise<Checkpoint> {
  const { step } = manifest;
  const awaited = new Map<string, Member>();
  const assign = (name: string, index: number) => {
    const writer = crew.alive[index % crew.alive.length]!;
    awaited.set(name, writer);
    writer.state = 'WORKER_STATE_WRITING_CHECKPOINT';
    writer.send({ writeCheckpoint: { step, folder: checkpointFolder(step), files: [name] } });
  };
  [MODEL_FILE, OPTIMIZER_FILE].forEach(assign);

  const written: CheckpointFile[] = [];
  while (awaited.size > 0) {
    const event = (await crew.next())!;
    if (event.type === 'lost') {
      onLost(event.member);
      [...awaited].filter(([, writer]) => writer === event.member).forEach(([name], i) => assign(name, i));
      continue;
    }
    const report = event.message.checkpointWritten;
    if (!report || report.step !== step) continue;
    for (const file of report.files) {
      if (awaited.delete(file.name)) written.push(file);
    }
    event.member.state = 'WORKER_STATE_WAITING';
  }
  const files = Object.fromEntries(
    written
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, bytes, sha256 }) => [name, { bytes, sha256 }]),
  );
  return commitCheckpoint(store, { ...manifest, files });
}
