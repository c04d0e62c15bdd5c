import path from 'node:path';
import { type DatasetImage, NotFoundError, type ObjectStore } from '@captrain/data';
import { UserError, sha256 } from '@captrain/runtime';
import { z } from 'zod';

/** Lies beside the manifest and says what the embeddings were made of, so that a second run can tell. */
export const jobPath = 'embedding.json';

const jobSchema = z.object({
  dataset: z.string(),
  format: z.string(),
  split: z.string().nullable(),
  images: z.number(),
  /** SHA-256 of ids, file names, splits and captions, in order. */
  sources: z.string(),
  encoder: z.string(),
  /** The encoder's name on the hub with its commit, or its folder: for those who embed more pictures by it. */
  encoderFolder: z.string(),
  encoderRevision: z.string(),
  precision: z.string(),
  batchSize: z.number(),
  rowsPerShard: z.number(),
});
export type JobRecord = z.infer<typeof jobSchema>;

/** The digest of what is embedded: everything of the data set but the pictures' content and where it lies. */
export function digestOfSources(images: readonly DatasetImage[]): string {
  const lines = images.map(({ imageId, file, split, captions }) =>
    JSON.stringify([imageId, path.basename(file), split, captions]),
  );
  return sha256(lines.join('\n'));
}

/** The record of the embeddings in a store; undefined where there is none that can be read. */
export async function readJob(store: ObjectStore): Promise<JobRecord | undefined> {
  try {
    return jobSchema.safeParse(JSON.parse((await store.get(jobPath)).toString('utf8'))).data;
  } catch (thrown) {
    if (thrown instanceof NotFoundError || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

export async function writeJob(store: ObjectStore, job: JobRecord): Promise<void> {
  await store.put(jobPath, `${JSON.stringify(job, null, 2)}\n`);
}

/** Throws a `UserError` unless finished embeddings are those that `job` would make. Where they lie is no difference. */
export function refuseOther(done: JobRecord | undefined, job: JobRecord, uri: string): void {
  const remedy = 'name another --out, or replace it with --overwrite';
  if (!done) throw new UserError(`${uri} holds a data set that captrain embed did not make; ${remedy}`);
  for (const key of compared) {
    if (done[key] !== job[key]) {
      throw new UserError(
        `${uri} holds another data set: ${words[key]} ${show(done[key])}, not ${show(job[key])}; ${remedy}`,
      );
    }
  }
}

const words = {
  encoderRevision: 'its encoder is',
  sources: 'the digest of its images and captions is',
  precision: 'its precision is',
  batchSize: 'its batch size is',
  rowsPerShard: 'its rows per shard are',
} as const;
const compared = Object.keys(words) as (keyof typeof words)[];

function show(value: string | number): string {
  return String(value).slice(0, 24);
}
