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
  return { paths, newest, digests, metricsSteps: metrics.map(({ step }) => step), ledger };
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
