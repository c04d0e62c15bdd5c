import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { faultSentence } from './fault-sentence.js';
import { commitOf } from './hub-api.js';
import { HubFault } from './hub-fault.js';
import type { HubContext } from './hub-request.js';
import { type HubSettings, hubSettings } from './hub-settings.js';
import { type HubName, isCommit, parseModelName, showName } from './model-name.js';
import { RepoCache } from './repo-cache.js';
import { type Snapshot, fetchSnapshot, isUsable, isWhole } from './snapshot.js';

export interface HubOptions {
  /** Stops a download; what has come is kept, and the next one goes on from there. */
  signal?: AbortSignal | undefined;
  /** From the environment unless given. */
  settings?: HubSettings;
  /** Takes a line for the user; standard error unless given. */
  say?: (line: string) => void;
}

export interface FoundModel {
  /** Where its files are. */
  readonly folder: string;
  /** What names the same files for ever: `org/name@COMMIT`, or the folder's absolute path. */
  readonly pinned: string;
  /** What people call it: the hub id, or the folder's own name. */
  readonly id: string;
}

/**
 * The folder of a model that is named by its folder, or as on the Hugging Face hub (`org/name`, `name`, each also with
 * `@revision`). What of the latter is not in the cache is downloaded first: only what captrain reads. Throws a
 * UserError for a name that is neither, and for all that can go wrong between here and the hub.
 */
export async function modelFolder(name: string, options: HubOptions = {}): Promise<string> {
  return (await findModel(name, options)).folder;
}

/** The same, with the name to find it again by. */
export async function findModel(name: string, options: HubOptions = {}): Promise<FoundModel> {
  const parsed = parseModelName(name);
  if ('folder' in parsed) {
    const pinned = path.resolve(parsed.folder);
    return { folder: parsed.folder, pinned, id: path.basename(pinned) };
  }
  const context = contextOf(parsed, options);
  try {
    const commit = await resolved(context);
    const snapshot: Snapshot = { name: parsed, commit, repo: context.repo };
    await provide(snapshot, context);
    await context.repo.writeRef(parsed, commit);
    return { folder: context.repo.snapshot(commit), pinned: `${parsed.id}@${commit}`, id: parsed.id };
  } catch (thrown) {
    throw sentenceFor(thrown, context);
  }
}

/** The name that stands for the same files for ever, without downloading them. Throws as `modelFolder` does. */
export async function pinModel(name: string, options: HubOptions = {}): Promise<string> {
  const parsed = parseModelName(name);
  if ('folder' in parsed) return path.resolve(parsed.folder);
  if (isCommit(parsed.revision)) return name;
  const context = contextOf(parsed, options);
  try {
    return `${parsed.id}@${await resolved(context)}`;
  } catch (thrown) {
    throw sentenceFor(thrown, context);
  }
}

/**
 * Whether `asked` means the model that a run has pinned: the same, the same without a revision, or with one that names
 * the pinned commit. A branch or tag is looked up. Throws as `modelFolder` does.
 */
export async function meansModel(asked: string, pinned: string, options: HubOptions = {}): Promise<boolean> {
  if (asked === pinned) return true;
  const parsed = parseModelName(asked);
  if ('folder' in parsed) return path.resolve(parsed.folder) === pinned;
  const [id, commit = ''] = pinned.split('@');
  if (parsed.id !== id || !isCommit(commit)) return false;
  const { revision } = parsed;
  if (revision === undefined || (/^[0-9a-f]{7,}$/.test(revision) && commit.startsWith(revision))) return true;
  return (await pinModel(asked, options)) === pinned;
}

interface Context extends HubContext {
  readonly name: HubName;
  readonly repo: RepoCache;
}

function contextOf(name: HubName, { signal, settings = hubSettings(), say }: HubOptions): Context {
  const toStandardError = (line: string) => void process.stderr.write(`${line}\n`);
  return {
    name,
    settings,
    signal,
    say: say ?? toStandardError,
    repo: new RepoCache(settings.cache, name.id),
  };
}

/** The commit that the name means: by the hub, or by the cache where there is none to ask. */
async function resolved(context: Context): Promise<string> {
  const { name, repo, settings, say } = context;
  if (isCommit(name.revision)) return name.revision;
  const known = await repo.commitOf(name);
  if (settings.offline) {
    if (known !== undefined) return known;
    throw notCached(name, settings);
  }
  try {
    return await commitOf(name, known === undefined ? context : impatient(context));
  } catch (thrown) {
    if (!(thrown instanceof HubFault && thrown.isTransient) || known === undefined) throw thrown;
    say(
      `${settings.endpoint} cannot be asked (${thrown.message}): ${showName(name)} is taken as the cache has it, ${known}`,
    );
    return known;
  }
}

/** Sees to it that the commit's files are in the cache. */
async function provide(snapshot: Snapshot, context: Context): Promise<void> {
  const { name, settings, say } = context;
  if (await isWhole(snapshot)) return;
  const usable = await isUsable(snapshot);
  if (settings.offline) {
    if (usable) return;
    throw notCached(name, settings);
  }
  try {
    await fetchSnapshot(snapshot, usable ? impatient(context) : context);
  } catch (thrown) {
    if (!(thrown instanceof HubFault && thrown.isTransient) || !usable) throw thrown;
    say(
      `${settings.endpoint} cannot be asked (${thrown.message}): the files of ${showName(name)} in the cache are used`,
    );
  }
}

/** For questions that the cache can answer too. */
function impatient(context: Context): Context {
  const { settings } = context;
  return { ...context, settings: { ...settings, patience: { ...settings.patience, attempts: 1 } } };
}

function notCached(name: HubName, { cache }: HubSettings): UserError {
  return new UserError(
    `there is no folder ${showName(name)} here, and revision "${name.revision ?? 'main'}" of the model ${name.id} is not in the cache ${cache}; ` +
      'HF_HUB_OFFLINE forbids to fetch it: unset that, or name a folder.',
  );
}

/** What was thrown, as a sentence where the user can mend it. */
function sentenceFor(thrown: unknown, { name, settings, signal }: Context): unknown {
  if (signal?.aborted) return thrown;
  if (thrown instanceof HubFault) return faultSentence(thrown, name, settings);
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST'].includes(code ?? ''))
    return thrown;
  return new UserError(
    `${showName(name)} cannot be written into the cache ${settings.cache} (${messageOf(thrown)}); free it, or name another folder by HF_HUB_CACHE.`,
    { cause: thrown },
  );
}
