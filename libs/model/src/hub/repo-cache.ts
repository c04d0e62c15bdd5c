import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { HubFile, HubTree } from './hub-api.js';
import { type HubName, isCommit } from './model-name.js';

/** The listing of a commit's files, as huggingface_hub keeps it (its _tree_cache.py). */
const treeSchema = z.object({
  format_version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({
      size: z.int().min(0),
      blob_id: z.string().regex(/^[0-9a-f]{40}$/),
      lfs_sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
      lfs_size: z.int().min(0).optional(),
    }),
  ),
});

/**
 * One model's folder in the cache, in the layout of Python's huggingface_hub, which reads what is written here and
 * writes what is read here:
 * ```
 * models--org--name/refs/main                     the commit that the branch named when it was last asked for
 * models--org--name/blobs/ETAG                    contents, by SHA-256 (large files) or git's SHA-1
 * models--org--name/snapshots/COMMIT/config.json  -> ../../blobs/ETAG
 * models--org--name/trees/COMMIT.json             the files that the commit has on the hub
 * ```
 */
export class RepoCache {
  readonly folder: string;
  /** Held by whoever downloads. Python's locks lie beside it, and are of another kind. */
  readonly lock: string;

  constructor(cache: string, id: string) {
    const name = ['models', ...id.split('/')].join('--');
    this.folder = path.join(cache, name);
    this.lock = path.join(cache, '.locks', name, 'captrain.lock');
  }

  snapshot(commit: string): string {
    return path.join(this.folder, 'snapshots', commit);
  }

  /** Where a file's content lies. */
  blob({ sha256, blobId }: HubFile): string {
    return path.join(this.folder, 'blobs', sha256 ?? blobId);
  }

  /**
   * The commit that a revision names as far as the cache knows: by `refs`, or as the beginning of a snapshot's commit.
   */
  async commitOf({ revision = 'main' }: HubName): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(path.join(this.folder, 'refs', revision), 'utf8').catch(() => '');
    if (isCommit(text.trim())) return text.trim();
    if (!/^[0-9a-f]{4,}$/.test(revision)) return undefined;
    const commits = await readdir(path.join(this.folder, 'snapshots')).catch(() => []);
    const meant = commits.filter((commit) => isCommit(commit) && commit.startsWith(revision));
    return meant.length === 1 ? meant[0] : undefined;
  }

  /** Notes what a branch or tag names; a cache that cannot be written to is left as it is. */
  async writeRef({ revision = 'main' }: HubName, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    const file = path.join(this.folder, 'refs', revision);
    if ((await readFile(file, 'utf8').catch(() => '')) === commit) return;
    await writeWhole(file, commit).catch(() => undefined);
  }

  /** The files that a commit has on the hub, where that was kept. */
  async readTree(commit: string): Promise<HubTree | undefined> {
    try {
      const { files } = treeSchema.parse(JSON.parse(await readFile(this.#treeFile(commit), 'utf8')));
      return new Map(
        Object.entries(files).map(([name, { size, blob_id, lfs_sha256, lfs_size }]) => [
          name,
          { bytes: lfs_size ?? size, blobId: blob_id, ...(lfs_sha256 && { sha256: lfs_sha256 }) },
        ]),
      );
    } catch {
      return undefined;
    }
  }

  async writeTree(commit: string, tree: HubTree): Promise<void> {
    const names = [...tree.keys()].toSorted();
    const entries = names.map((name) => {
      const { bytes, blobId, sha256 } = tree.get(name)!;
      const large = sha256 === undefined ? {} : { lfs_sha256: sha256, lfs_size: bytes };
      return [name, { size: bytes, blob_id: blobId, ...large }] as const;
    });
    const json = { format_version: 1, files: Object.fromEntries(entries) };
    await writeWhole(this.#treeFile(commit), JSON.stringify(json, null, 1));
  }

  /** The files at the top of a snapshot whose content is there too. */
  async filesOf(commit: string): Promise<Set<string>> {
    const names = await readdir(this.snapshot(commit)).catch(() => []);
    const sizes = await Promise.all(names.map((name) => this.bytesOf(commit, name)));
    return new Set(names.filter((_, index) => sizes[index] !== undefined));
  }

  /** Size of a snapshot's file; undefined where it is missing. */
  async bytesOf(commit: string, name: string): Promise<number | undefined> {
    return stat(path.join(this.snapshot(commit), name)).then(
      ({ size }) => size,
      () => undefined,
    );
  }

  /** Puts a file whose content is there into a snapshot, in place of what may be there. */
  async link(commit: string, name: string, file: HubFile): Promise<void> {
    const pointer = path.join(this.snapshot(commit), name);
    await mkdir(path.dirname(pointer), { recursive: true });
    const aside = `${pointer}.${randomUUID()}`;
    await symlink(path.relative(path.dirname(pointer), this.blob(file)), aside);
    await rename(aside, pointer);
  }

  #treeFile(commit: string): string {
    return path.join(this.folder, 'trees', `${commit}.json`);
  }
}

/** Writes a small file so that readers find the old text or the new, never a part. */
async function writeWhole(file: string, text: string): Promise<void> {
  const aside = `${file}.${randomUUID()}.tmp`;
  await mkdir(path.dirname(file), { recursive: true });
  try {
    await writeFile(aside, text);
    await rename(aside, file);
  } finally {
    await rm(aside, { force: true });
  }
}
