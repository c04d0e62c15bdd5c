import type { ListFileEntry } from '@huggingface/hub';
import { messageOf } from '@captrain/runtime';
import { HubFault } from './hub-fault.js';
import { type HubContext, StallGuard, hubRequest, persist } from './hub-request.js';
import { type HubName, isCommit } from './model-name.js';

/** A file of a commit, as the hub lists it. */
export interface HubFile {
  readonly bytes: number;
  /** SHA-1 of git's blob: the name of a small file's content. */
  readonly blobId: string;
  /** SHA-256 of a large file's content, which git holds only a pointer to. */
  readonly sha256?: string;
}

/** The files of a commit by path. */
export type HubTree = ReadonlyMap<string, HubFile>;

/** The commit that a revision names now. Throws a HubFault. */
export async function commitOf({ id, revision }: HubName, context: HubContext): Promise<string> {
  const { modelInfo } = await hubClient();
  const { sha } = await asHub(() =>
    modelInfo({
      name: id,
      revision: revision ?? 'main',
      additionalFields: ['sha'],
      hubUrl: context.settings.endpoint,
      fetch: fetchOf(context),
    }),
  );
  if (!isCommit(sha)) throw new HubFault('no hub', 'its answer names no commit');
  return sha;
}

/** All files of a commit, in folders too. Throws a HubFault. */
export async function treeOf(id: string, commit: string, context: HubContext): Promise<HubTree> {
  const { listFiles } = await hubClient();
  const tree = new Map<string, HubFile>();
  await asHub(async () => {
    const listing = listFiles({
      repo: { type: 'model', name: id },
      revision: commit,
      recursive: true,
      hubUrl: context.settings.endpoint,
      fetch: fetchOf(context),
    });
    for await (const entry of listing) if (entry.type === 'file') tree.set(entry.path, fileOf(entry));
  });
  return tree;
}

/** Loaded where it is needed only: most runs name a folder, and every program that may ask the hub would wait for it. */
const hubClient = () => import('@huggingface/hub');

function fileOf({ path, size, oid, lfs }: ListFileEntry): HubFile {
  const sound =
    Number.isSafeInteger(lfs?.size ?? size) &&
    /^[0-9a-f]{40}$/.test(oid ?? '') &&
    (lfs === undefined || /^[0-9a-f]{64}$/.test(lfs.oid));
  if (!sound) throw new HubFault('no hub', `it lists ${path} without size or digest`);
  return { bytes: lfs?.size ?? size, blobId: oid!, ...(lfs && { sha256: lfs.oid }) };
}

/** A fetch for the hub's client: with our token, redirects and patience, the answer read whole. */
function fetchOf(context: HubContext): typeof fetch {
  const { settings, signal } = context;
  return (input) =>
    persist(async () => {
      const guard = new StallGuard(settings.patience.stallMs, signal);
      try {
        const url = input instanceof Request ? input.url : String(input);
        const accept = { accept: 'application/json' };
        const response = await hubRequest(url, settings, { headers: accept, signal: guard.signal });
        const { status, headers } = response;
        return new Response(await response.arrayBuffer(), { status, headers });
      } catch (thrown) {
        throw HubFault.ofThrown(thrown);
      } finally {
        guard.end();
      }
    }, context);
}

/** What the client makes of an answer that is no hub's. */
async function asHub<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof TypeError)
      throw new HubFault('no hub', `its answer cannot be read (${messageOf(thrown)})`);
    throw thrown;
  }
}
