import { ConflictError, NotFoundError, type ObjectStore } from '@captrain/data/store';
import { type RunConfig, findCheckpoint, runConfig } from '@captrain/model/run';
import { UserError, parseConfig } from '@captrain/runtime';

const CONFIG = 'config.json';

/** Starts a new run in an empty folder. Throws a UserError where the folder holds a run already. */
export async function createRun(store: ObjectStore, config: RunConfig): Promise<void> {
  try {
    await store.put(CONFIG, bytesOf(config), { ifNoneMatch: '*' });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    throw alreadyThere(store);
  }
}

/** Throws a UserError where the folder holds a run already. */
export async function refuseRun(store: ObjectStore): Promise<void> {
  if ((await store.stat(CONFIG)) !== undefined) throw alreadyThere(store);
}

/** Throws a UserError where a run's newest checkpoint was trained on other data than those of this digest. */
export async function refuseOtherData(store: ObjectStore, digest: string, data: string): Promise<void> {
  // What is wrong with a checkpoint itself is found later.
  const newest = await findCheckpoint(store, 'latest').catch(() => undefined);
  if (newest !== undefined && newest.manifest.data !== digest)
    throw new UserError(
      `${data} is not the data that ${store.uri}/${newest.folder} was trained on; restore it, or start another run.`,
    );
}

/** Replaces a run's config. */
export async function rewriteRun(store: ObjectStore, config: RunConfig): Promise<void> {
  await store.put(CONFIG, bytesOf(config));
}

function bytesOf(config: RunConfig): Buffer {
  return Buffer.from(`${JSON.stringify(config, null, 2)}\n`);
}

function alreadyThere(store: ObjectStore): UserError {
  return new UserError(
    `${store.uri} holds a run already; go on with it by --resume, or name another folder with --run.`,
  );
}

/** Takes a new run back that came to nothing. */
export async function abandonRun(store: ObjectStore): Promise<void> {
  await store.delete(CONFIG);
}

/** The config of the run in a folder. Throws a UserError where there is none. */
export async function readRun(store: ObjectStore): Promise<RunConfig> {
  let bytes: Buffer;
  try {
    bytes = await store.get(CONFIG);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new UserError(`${store.uri} holds no run to resume; start one without --resume.`);
  }
  const where = `${store.uri}/${CONFIG}`;
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new UserError(`${where} is not JSON; restore it, or start another run.`);
  }
  return parseConfig(runConfig, json, where);
}
