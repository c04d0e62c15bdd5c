import { NotFoundError, type ObjectStore, openStore } from '@captrain/data';
import { sha256 } from '@captrain/runtime';

type Env = Readonly<Record<string, string>>;

/** What is left of a run in its folder or bucket. */
export interface RunContents {
  /** Every object's path. */
  readonly paths: readonly string[];
  /** Name of the newest checkpoint's folder. */
  readonly newest: string;
  /** SHA-256 of the files of the newest checkpoint, by name. */
  readonly digests: Readonly<Record<string, string>>;
  /** `step` of each line of metrics.jsonl. */
  readonly metricsSteps: readonly number[];
  readonly ledger: readonly LedgerLine[];
  /** Name of the best checkpoint's folder, where one is named. */
  readonly best: string | undefined;
  /** The loss of each checkpoint by its validation, by its folder's name; undefined for one that was not validated. */
  readonly losses: ReadonlyMap<string, number | undefined>;
}

export interface LedgerLine {
  readonly step: number;
  readonly epoch: number;
  /** Positions of captions in the split. */
  readonly samples: readonly number[];
}

function storeOf(run: string, env: Env): Promise<ObjectStore> {
  return openStore(run, { ...process.env, ...env });
}

export async function runExists(run: string, env: Env): Promise<boolean> {
  return (await (await storeOf(run, env)).stat('config.json')) !== undefined;
}

export async function readContents(run: string, env: Env): Promise<RunContents> {
  const store = await storeOf(run, env);
  const paths: string[] = [];
  for await (const { path } of store.list()) paths.push(path);
  // Behind the name stands who wrote it.
  const [newest] = (await store.get('checkpoints/LATEST')).toString('utf8').split('\n') as [string];
  const folder = `checkpoints/${newest}/`;
  const digests: Record<string, string> = {};
  for (const path of paths)
    if (path.startsWith(folder)) digests[path.slice(folder.length)] = sha256(await store.get(path));
  const metrics = await linesOf<{ step: number }>(store, 'metrics.jsonl');
  const ledger = await linesOf<LedgerLine>(store, 'ledger.jsonl');
  const best = paths.includes('checkpoints/BEST')
    ? (await store.get('checkpoints/BEST')).toString('utf8').split('\n')[0]
    : undefined;
  const losses = new Map<string, number | undefined>();
  for (const path of paths) {
    const [, name] = /^checkpoints\/(step-\d+)\/manifest\.json$/.exec(path) ?? [];
    if (name === undefined) continue;
    const manifest = JSON.parse((await store.get(path)).toString('utf8')) as {
      validation?: { loss: number };
    };
    losses.set(name, manifest.validation?.loss);
  }
  const metricsSteps = metrics.map(({ step }) => step);
  return { paths, newest, digests, metricsSteps, ledger, best, losses };
}

async function linesOf<T>(store: ObjectStore, path: string): Promise<T[]> {
  try {
    const text = (await store.get(path)).toString('utf8');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}
