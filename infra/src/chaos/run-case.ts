import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, messageOf } from '@captrain/runtime';
import { endProcesses, processesMarked } from '../testing/processes.js';
import type { ChaosCase } from './chaos-case.js';
import {
  checkBest,
  checkDigests,
  checkFaults,
  checkFolder,
  checkLedger,
  checkLevels,
  checkMetrics,
  checkWorkers,
  sharedMemoryNames,
} from './checks.js';
import type { Cluster } from './cluster.js';
import type { Laboratory } from './laboratory.js';
import { type RunContents, readContents } from './run-contents.js';
import { type Training, trainingOf } from './variants.js';

/** Most cases take less than a minute where other programs run as well. */
const MOST_SECONDS = 180;

/** 24 images with three captions each. */
const CAPTIONS = 72;

export interface Result {
  readonly passed: boolean;
  readonly seconds: number;
  /** The most workers that the run had at a time. */
  readonly workers: number;
  /** What is wrong; empty where it passed. */
  readonly reason: string;
}

/**
 * Runs a case in a folder of its own, waits for the run's end, and checks all that has to be true then. Nothing that it
 * started is left afterwards. The folder stays where the case failed and `keep` is set.
 */
export async function runCase(
  chaos: ChaosCase,
  laboratory: Laboratory,
  { keep = false, signal = new AbortController().signal }: { keep?: boolean; signal?: AbortSignal } = {},
): Promise<Result> {
  const training = trainingOf(chaos);
  const expected = await laboratory.undisturbed(training);
  const folder = path.join(laboratory.folder, 'cases', chaos.name.replaceAll(/[^\w-]+/g, '-'));
  mkdirSync(folder, { recursive: true });
  const mark = randomUUID();
  const stage = await laboratory.stage(chaos, training, folder, mark);
  const { cluster } = stage;
  const mostSeconds = chaos.mostSeconds ?? MOST_SECONDS;
  const complaints: string[] = stage.complaints;
  const shared = sharedMemoryNames();
  const started = performance.now();
  try {
    await inTime(
      chaos.act(stage).then(() => cluster.finished(mostSeconds)),
      mostSeconds,
      signal,
    );
    complaints.push(...(await endOfWorkers(cluster)));
    const found = await contentsOf(stage, cluster);
    complaints.push(...checkContents(found, expected, stage.run, training));
    complaints.push(...checkBest(found, expected, { mayLack: chaos.mayLackCheckpoints === true }));
    complaints.push(...checkWorkers(cluster), ...checkFaults(cluster), ...checkLevels(cluster));
  } catch (error) {
    complaints.push(messageOf(error));
  }
  cluster.close();
  const left = processesMarked(mark);
  if (complaints.length === 0 && left.length > 0) complaints.push(`${left.length} processes are left`);
  endProcesses(mark);
  await stage.close();
  if (complaints.length === 0)
    for (const name of sharedMemoryNames())
      if (!shared.has(name)) complaints.push(`/dev/shm/${name} is left`);
  const seconds = (performance.now() - started) / 1000;
  const passed = complaints.length === 0;
  if (passed || !keep) rmSync(folder, { recursive: true, force: true });
  else {
    writeFileSync(path.join(folder, 'last-status.json'), JSON.stringify(cluster.status ?? null, null, 2));
    complaints.push(`see ${folder}`);
  }
  return { passed, seconds, workers: cluster.mostWorkers, reason: complaints.join('; ') };
}

/** Rejects once a case has taken too long, or the signal is aborted. */
async function inTime(work: Promise<void>, mostSeconds: number, signal: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(mostSeconds * 1000);
  const over = once(AbortSignal.any([late, signal]), 'abort').then(() => {
    throw new UserError(signal.aborted ? 'it was stopped' : `it took over ${mostSeconds} s`);
  });
  work.catch(() => undefined);
  over.catch(() => undefined);
  await Promise.race([work, over]);
}

/**
 * What the run has left. A worker that stood still over a checkpoint's file until all was over writes it then, to nobody's
 * harm: the next start removes that.
 */
async function contentsOf(
  { run, env }: { run: string; env: Parameters<typeof readContents>[1] },
  cluster: Cluster,
): Promise<RunContents> {
  const found = await readContents(run, env);
  if (checkFolder(found, run).length === 0) return found;
  const { rival } = await cluster.startRival();
  await rival.ended;
  return readContents(run, env);
}

function checkContents(found: RunContents, expected: RunContents, run: string, training: Training): string[] {
  return [
    ...checkDigests(found, expected),
    ...checkMetrics(found, training),
    ...checkLedger(found, training, CAPTIONS),
    ...checkFolder(found, run),
  ];
}

/** Every worker ends by itself when the run has; who does not is asked to, and told of. */
async function endOfWorkers({ livingWorkers }: Cluster): Promise<string[]> {
  const ended = Promise.all(livingWorkers.map((worker) => worker.ended));
  await Promise.race([ended, sleep(10_000)]);
  const late = livingWorkers.filter(({ runs }) => runs);
  for (const worker of late) worker.signal('SIGTERM');
  // One that has only just been started loads first, which takes a while where other programs run as well.
  await Promise.race([ended, sleep(30_000)]);
  return late.flatMap(({ name, runs, mayLinger }) => {
    if (runs) return [`${name} did not end when it was asked to`];
    return mayLinger ? [] : [`${name} did not end with the run`];
  });
}
