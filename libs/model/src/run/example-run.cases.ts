import { type ObjectStore } from '@captrain/data/store';
import { sha256 } from '@captrain/runtime';
import type { CheckpointLog } from './checkpoint-log.js';
import type { CheckpointManifest } from './checkpoint-manifest.js';
import { trainingConfig } from './run-config.js';
import { checkpointFolder } from './stored-checkpoints.js';

export const FILE_NAMES = [
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'optimizer.safetensors',
];
const config = trainingConfig.parse({ data: 'embeddings', languageModel: 'gpt2' });

/** Writes the files of a step's checkpoint, of some bytes each, and gives the manifest that is to be committed. */
export async function writeExampleFiles(
  run: ObjectStore,
  step: number,
  more: Partial<CheckpointManifest> = {},
): Promise<CheckpointManifest> {
  const files: CheckpointManifest['files'] = {};
  for (const [i, name] of FILE_NAMES.entries()) {
    const bytes = Buffer.alloc(1000 * (i + 1), `step ${step} of ${name}`);
    await run.put(`${checkpointFolder(step)}/${name}`, bytes);
    files[name] = { bytes: bytes.length, sha256: sha256(bytes) };
  }
  return { format: 1, step, epoch: 0, position: step, config, data: sha256('data'), files, ...more };
}

/** Commits checkpoints of these steps, one after another. */
export async function commitSteps(
  run: ObjectStore,
  log: CheckpointLog,
  steps: readonly number[],
): Promise<void> {
  for (const step of steps) await log.commit(await writeExampleFiles(run, step));
}

export function lossOf(loss: number): Pick<CheckpointManifest, 'validation'> {
  return { validation: { split: 'val', loss, captions: 10, tokens: 100 } };
}
