import { existsSync, readdirSync } from 'node:fs';
import type { Cluster } from './cluster.js';
import { describeEnd } from './case-process.js';
import type { LedgerLine, RunContents } from './run-contents.js';
import { type Training, stepsOf } from './variants.js';

/** What has to be true of a run's folder at its end; each function tells what is not. */
export type Complaints = string[];

/** Of the last checkpoint every byte is that of the undisturbed run's. */
export function checkDigests(found: RunContents, expected: RunContents): Complaints {
  if (found.newest !== expected.newest)
    return [`the last checkpoint is ${found.newest}, not ${expected.newest}`];
  const names = new Set([...Object.keys(found.digests), ...Object.keys(expected.digests)]);
  const differing = [...names].filter((name) => found.digests[name] !== expected.digests[name]);
  return differing.length === 0 ? [] : [`${differing.toSorted().join(', ')} of ${found.newest} differ`];
}

/**
 * The checkpoints that were validated have the losses of the undisturbed run's, and the best one of them is that run's best
 * one. Where faults may have cost a checkpoint (`mayLack`), for good if training has gone on meanwhile, it is the best one
 * of those that are there.
 */
export function checkBest(
  found: RunContents,
  expected: RunContents,
  { mayLack }: { mayLack: boolean },
): Complaints {
  const lossOf = (name: string) => found.losses.get(name);
  const validated = [...found.losses.keys()].filter((name) => lossOf(name) !== undefined);
  const differing = validated.filter((name) => lossOf(name) !== expected.losses.get(name));
  if (differing.length > 0) return [`the validation of ${differing.toSorted().join(', ')} differs`];
  if (!mayLack && found.best !== expected.best) return [`BEST is ${found.best}, not ${expected.best}`];
  const least = Math.min(...validated.map((name) => lossOf(name)!));
  const isBest = validated.length === 0 || (found.best !== undefined && lossOf(found.best) === least);
  return isBest ? [] : [`BEST is ${found.best}, whose loss is not the lowest`];
}

/** What of a training says how its logs have to look. */
type Lines = Pick<Training, 'epochs' | 'localSteps'>;

/** metrics.jsonl has every step, or round of local steps, once, in order. */
export function checkMetrics({ metricsSteps }: RunContents, training: Lines): Complaints {
  return sequence('metrics.jsonl', metricsSteps, training, training.localSteps);
}

/** The ledger has every step once, in order, and every caption of the split once in each epoch. */
export function checkLedger({ ledger }: RunContents, training: Lines, captions: number): Complaints {
  const steadily = sequence(
    'ledger.jsonl',
    ledger.map(({ step }) => step),
    training,
    1,
  );
  if (steadily.length > 0) return steadily;
  return [...byEpoch(ledger)].flatMap(([epoch, samples]) => {
    const once = new Set(samples);
    const whole =
      samples.length === captions && once.size === captions && Math.max(...samples) === captions - 1;
    return whole
      ? []
      : [`epoch ${epoch} saw ${samples.length} captions, ${once.size} different ones, of ${captions}`];
  });
}

function byEpoch(ledger: readonly LedgerLine[]): Map<number, number[]> {
  const epochs = new Map<number, number[]>();
  for (const { epoch, samples } of ledger) epochs.set(epoch, [...(epochs.get(epoch) ?? []), ...samples]);
  return epochs;
}

/** `every`: steps from line to line. Rounds are whole: an epoch's steps are a multiple of theirs. */
function sequence(file: string, found: readonly number[], training: Lines, every: number): Complaints {
  const wrong = found.findIndex((step, index) => step !== (index + 1) * every);
  if (wrong >= 0) return [`line ${wrong + 1} of ${file} is of step ${found[wrong]}`];
  const lines = stepsOf(training) / every;
  return found.length === lines ? [] : [`${file} has ${found.length} lines, not ${lines}`];
}

const expectedPaths =
  /^(config\.json|metrics\.jsonl|ledger\.jsonl|LEADER|checkpoints\/(LATEST|BEST)|checkpoints\/step-\d{8}\/(manifest\.json|[\w-]+\.safetensors))$/;

/** Nothing is left in the run's folder that a run does not leave, and no checkpoint is half there. */
export function checkFolder({ paths }: RunContents, run: string): Complaints {
  const strange = paths.filter((path) => !expectedPaths.test(path));
  const folders = new Set(paths.flatMap((path) => /^checkpoints\/step-\d{8}/.exec(path)?.[0] ?? []));
  const half = [...folders].filter((folder) => !paths.includes(`${folder}/manifest.json`));
  const temporary = existsSync(run)
    ? readdirSync(run, { recursive: true, encoding: 'utf8' }).filter((file) => /(^|\/)\.[^/]*$/.test(file))
    : [];
  return [
    ...[...strange, ...temporary].map((path) => `${path} is left in the run's folder`),
    ...half.map((folder) => `${folder} is left without a manifest`),
  ];
}

/** What a coordinator that lived to the end may have gained on what it had in its first steps. */
const MOST_MEGABYTES = 64;
const MOST_DESCRIPTORS = 12;
/** Connections of a worker that came later. */
const DESCRIPTORS_PER_WORKER = 4;

/** The coordinators' memory and descriptors are at their level again. */
export function checkLevels({ levels, mostWorkers }: Cluster): Complaints {
  return [...levels].flatMap(([{ name }, { before, after }]) => {
    if (before === undefined || after === undefined) return [];
    const complaints: Complaints = [];
    if (after.megabytes > before.megabytes + MOST_MEGABYTES)
      complaints.push(`${name} went from ${before.megabytes.toFixed(0)} to ${after.megabytes.toFixed(0)} MB`);
    if (after.descriptors > before.descriptors + MOST_DESCRIPTORS + mostWorkers * DESCRIPTORS_PER_WORKER)
      complaints.push(`${name} went from ${before.descriptors} to ${after.descriptors} descriptors`);
    return complaints;
  });
}

/** No worker ended otherwise than with the run, unless it was meant to. */
export function checkWorkers({ workers }: Cluster): Complaints {
  return workers.flatMap(({ name, end, mayEnd, sentence }) =>
    end === undefined || mayEnd || end.code === 0
      ? []
      : [`${name} ended (${describeEnd(end)})${sentence === undefined ? '' : `: ${sentence}`}`],
  );
}

/** Every fault that a process was started with has happened: else the case proves nothing. */
export function checkFaults({ workers, coordinators }: Cluster): Complaints {
  return [...workers, ...coordinators].flatMap(({ name, killedAt, end }) =>
    killedAt === undefined || end?.signal === 'SIGKILL' ? [] : [`${name} never came to ${killedAt}`],
  );
}

/** Names in /dev/shm, which is to be as it was. */
export function sharedMemoryNames(): Set<string> {
  return new Set(existsSync('/dev/shm') ? readdirSync('/dev/shm') : []);
}
