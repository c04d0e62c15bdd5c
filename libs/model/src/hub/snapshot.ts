import { mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { withFileLock } from '@captrain/data/store';
import { ProgressBar, UserError, formatBytes } from '@captrain/runtime';
import { bytesThere, downloadFile, partialOf } from './download-file.js';
import { type HubFile, type HubTree, treeOf } from './hub-api.js';
import type { HubContext } from './hub-request.js';
import type { HubSettings } from './hub-settings.js';
import { type HubName, showName } from './model-name.js';
import type { RepoCache } from './repo-cache.js';
import { partsOf, wantedFiles, weightNames } from './wanted-files.js';

/** A commit of a model, and where the cache keeps it. */
export interface Snapshot {
  readonly name: HubName;
  readonly commit: string;
  readonly repo: RepoCache;
}

/** Whether all that captrain reads of the commit is in the cache, in full size, by the hub's listing of the commit. */
export async function isWhole({ repo, commit }: Snapshot): Promise<boolean> {
  const tree = await repo.readTree(commit);
  const wanted = tree && wantedFiles(tree);
  if (!wanted) return false;
  const complete = async (names: readonly string[]) => {
    const sizes = await Promise.all(names.map((name) => repo.bytesOf(commit, name)));
    return names.every((name, i) => sizes[i] !== undefined && sizes[i] === tree.get(name)?.bytes);
  };
  if (!(await complete(wanted.files))) return false;
  if (wanted.index === undefined) return true;
  return complete(await partsOf(repo.snapshot(commit), wanted.index));
}

/** Whether the cache holds config and weights of the commit; of the rest nothing is known without the hub's listing. */
export async function isUsable({ repo, commit }: Snapshot): Promise<boolean> {
  const present = await repo.filesOf(commit);
  const wanted = wantedFiles(present);
  if (wanted?.index === undefined) return wanted !== undefined;
  return (await partsOf(repo.snapshot(commit), wanted.index)).every((part) => present.has(part));
}

/**
 * Downloads what is missing of a commit. Several processes that ask at once download once. Throws a HubFault, a
 * UserError for a model without weights that captrain reads, for wrong files and a full disk, or the signal's reason.
 */
export async function fetchSnapshot(snapshot: Snapshot, context: HubContext): Promise<void> {
  const { repo, commit, name } = snapshot;
  await mkdir(path.dirname(repo.lock), { recursive: true });
  const waiting = setTimeout(
    () => context.say(`another process is downloading ${showName(name)}: waiting for it`),
    2000,
  );
  await withFileLock(
    repo.lock,
    async () => {
      clearTimeout(waiting);
      if (await isWhole(snapshot)) return;
      let tree = await repo.readTree(commit);
      if (tree === undefined) {
        tree = await treeOf(name.id, commit, context);
        await repo.writeTree(commit, tree);
      }
      const wanted = wantedFiles(tree);
      if (wanted === undefined) throw withoutWeights(name, tree, context.settings);
      if (wanted.index !== undefined) await fetchFiles(snapshot, tree, [wanted.index], context);
      const parts = wanted.index === undefined ? [] : await partsOf(repo.snapshot(commit), wanted.index);
      await fetchFiles(snapshot, tree, [...wanted.files, ...parts], context);
    },
    context.signal,
  ).finally(() => clearTimeout(waiting));
}

/** Downloads files, unless their content is there, and links them into the snapshot. */
async function fetchFiles(
  { repo, commit, name }: Snapshot,
  tree: HubTree,
  names: readonly string[],
  { settings, signal }: HubContext,
): Promise<void> {
  const missing: { file: HubFile; path: string }[] = [];
  for (const path of names) {
    const file = tree.get(path);
    if (file === undefined)
      throw new UserError(
        `${showName(name)} lacks ${path}, which its index names; name another revision of it.`,
      );
    if ((await repo.bytesOf(commit, path)) === file.bytes) continue;
    if ((await bytesThere(repo.blob(file))) === file.bytes) await repo.link(commit, path, file);
    else missing.push({ file, path });
  }
  if (missing.length === 0) return;
  const total = missing.reduce((sum, { file }) => sum + file.bytes, 0);
  let done = 0;
  for (const { file } of missing) done += await bytesThere(partialOf(repo.blob(file)));
  await requireSpace(repo.folder, total - done, showName(name));
  const bar = new ProgressBar({ label: `downloading ${name.id}`, total, unit: 'bytes', done });
  const say = (line: string) => bar.print(line);
  try {
    let before = 0;
    for (const { file, path } of missing) {
      const url = `${settings.endpoint}/${name.id}/resolve/${commit}/${encodeURIComponent(path)}`;
      const download = { url, what: `${path} of ${showName(name)}`, file, to: repo.blob(file) };
      await downloadFile(download, { settings, signal, say, onBytes: (bytes) => bar.set(before + bytes) });
      await repo.link(commit, path, file);
      bar.set((before += file.bytes));
    }
  } catch (thrown) {
    if (signal?.aborted)
      throw new UserError(
        `Stopped at ${formatBytes(bar.done)} of ${formatBytes(total)} of ${showName(name)}; the same command goes on from there.`,
        { cause: thrown },
      );
    throw thrown;
  } finally {
    bar.close();
  }
}

async function requireSpace(folder: string, bytes: number, what: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes)
    throw new UserError(
      `${what} needs ${formatBytes(bytes)} in ${folder}, and ${formatBytes(bavail * bsize)} are free; make room, or name another folder by HF_HUB_CACHE.`,
    );
}

function withoutWeights(name: HubName, tree: HubTree, { endpoint }: HubSettings): UserError {
  const large = [...tree].filter(([, { sha256 }]) => sha256 !== undefined).map(([path]) => path);
  const found = large.length > 0 ? `it has ${large.slice(0, 5).join(', ')}` : 'it has no large files at all';
  return new UserError(
    `${showName(name)} on ${endpoint} has no weights that captrain reads (${weightNames.join(', ')}, beside their config): ${found}; name another model or revision.`,
  );
}
