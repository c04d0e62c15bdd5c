import type { Welcome } from '@captrain/protos';

/** What a run may change on its way without a worker's having to begin anew: the coordinator alone goes by it. */
const FREE = [
  ...['microbatches', 'microbatchCuts', 'collectiveSince', 'epochs', 'steps'],
  ...['checkpointEvery', 'digestEvery', 'validationSplit', 'validationCaptions'],
];

/** In what a run differs from the one that a worker was welcomed to before, by name. */
export function changedKeys(before: Welcome, now: Welcome): string[] {
  const [old, config] = [before, now].map(({ configJson, run, dataDigest }) => ({
    ...(JSON.parse(configJson) as Record<string, unknown>),
    run,
    dataDigest,
  }));
  const keys = new Set([...Object.keys(old!), ...Object.keys(config!)]);
  const differs = (key: string) =>
    JSON.stringify((old as Record<string, unknown>)[key]) !==
    JSON.stringify((config as Record<string, unknown>)[key]);
  return [...keys].filter((key) => !FREE.includes(key) && differs(key));
}
