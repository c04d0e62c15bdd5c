import { UserError, parseConfig, sha256 } from '@captrain/runtime';
import { z } from 'zod';
import { embeddingContract } from './contract.js';
import type { ObjectStore } from './object-store.js';
import { NotFoundError } from './object-store.js';
import { parseJson } from './parse-json.js';

export const manifestPath = 'manifest.json';

const count = z.int().min(0);

const shardEntry = z.strictObject({
  path: z.string().min(1).describe('of the Arrow file, relative to the manifest'),
  split: z.string().min(1),
  rows: count.describe('images'),
  captions: count.describe('captions of all rows'),
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
});
export type ShardEntry = z.infer<typeof shardEntry>;

/** `manifest.json` beside the shards. Splits name their shards in order: it is the order of rows and captions. */
const manifestSchema = z
  .strictObject({
    version: z.literal(1),
    ...embeddingContract.shape,
    shards: z.array(shardEntry),
    splits: z.record(z.string(), z.array(z.string())),
    totals: z.strictObject({ rows: count, captions: count, bytes: count }),
  })
  .superRefine((manifest, context) => {
    const fault = inconsistency(manifest);
    if (fault) context.addIssue({ code: 'custom', ...fault });
  });
export type Manifest = z.infer<typeof manifestSchema>;

/** A data set's manifest, checked, with what is asked of it. */
export class DataManifest {
  /** SHA-256 of the content, whatever its layout: what a run's checkpoints name their data by. */
  readonly digest: string;

  constructor(
    readonly content: Manifest,
    /** Where it was read, for error messages. */
    readonly uri: string,
  ) {
    this.digest = sha256(canonicalJson(content));
  }

  /** The shards of a split in order. Throws `UserError` where there is no such split, or no image in it. */
  shardsOf(split: string): ShardEntry[] {
    const { shards, splits } = this.content;
    const known = Object.keys(splits);
    if (shards.length === 0) throw new UserError(`${this.uri} is an empty data set; embed some images first`);
    if (!Object.hasOwn(splits, split))
      throw new UserError(`${this.uri} has no split "${split}"; it has ${known.join(', ')}`);
    const byPath = new Map(shards.map((shard) => [shard.path, shard]));
    const entries = splits[split]!.map((path) => byPath.get(path)!);
    if (entries.every(({ rows }) => rows === 0))
      throw new UserError(
        `The split "${split}" of ${this.uri} is empty; embed images for it, or take another`,
      );
    return entries;
  }

  /** Captions to train on. Throws `UserError` where there are none. */
  captionsOf(split: string): number {
    const captions = this.shardsOf(split).reduce((sum, shard) => sum + shard.captions, 0);
    if (captions === 0)
      throw new UserError(
        `The images of split "${split}" of ${this.uri} have no captions; embed a captioned set`,
      );
    return captions;
  }
}

/** Reads and checks the manifest of the data in `store`. Throws `UserError` that names the file and the field. */
export async function readManifest(store: ObjectStore): Promise<DataManifest> {
  const uri = `${store.uri}/${manifestPath}`;
  const text = await store.get(manifestPath).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new UserError(
      `${store.uri} holds no embeddings: it has no ${manifestPath}; make them with captrain embed, or correct the path`,
      { cause: error },
    );
  });
  return new DataManifest(parseConfig(manifestSchema, parseJson(text.toString('utf8'), uri), uri), store.uri);
}

/** The manifest of these shards, in the form in which it is stored. */
export function manifestOf(
  contract: z.infer<typeof embeddingContract>,
  shards: readonly ShardEntry[],
): Manifest {
  const splits: Record<string, string[]> = {};
  for (const { split, path } of shards) (splits[split] ??= []).push(path);
  return manifestSchema.parse({ version: 1, ...contract, shards, splits, totals: totalsOf(shards) });
}

function totalsOf(shards: readonly ShardEntry[]) {
  const sum = (key: 'rows' | 'captions' | 'bytes') => shards.reduce((total, shard) => total + shard[key], 0);
  return { rows: sum('rows'), captions: sum('captions'), bytes: sum('bytes') };
}

type Checked = Pick<Manifest, 'shards' | 'splits' | 'totals'>;

/** The first place where a manifest contradicts itself. */
function inconsistency({
  shards,
  splits,
  totals,
}: Checked): { path: PropertyKey[]; message: string } | undefined {
  const splitOf = new Map<string, string>();
  for (const [index, { path, split }] of shards.entries()) {
    if (splitOf.has(path))
      return { path: ['shards', index, 'path'], message: 'must be the only shard of that path' };
    splitOf.set(path, split);
  }
  const listed = new Set<string>();
  for (const [split, paths] of Object.entries(splits)) {
    for (const [index, path] of paths.entries()) {
      if (splitOf.get(path) !== split || listed.has(path))
        return { path: ['splits', split, index], message: 'must name a shard of that split, once' };
      listed.add(path);
    }
  }
  const missing = shards.findIndex(({ path }) => !listed.has(path));
  if (missing >= 0) return { path: ['shards', missing, 'path'], message: 'must be listed in its split' };
  const sums = totalsOf(shards);
  for (const key of ['rows', 'captions', 'bytes'] as const)
    if (sums[key] !== totals[key])
      return { path: ['totals', key], message: `must be ${sums[key]}, the sum over the shards` };
  return undefined;
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
