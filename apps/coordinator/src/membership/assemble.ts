import { roundStart } from '@captrain/data/order';
import { UserError } from '@captrain/runtime';
import type { StepRecord } from '../log/run-log.js';
import type { Run } from '../run.js';
import { type Source, bringTogether } from './bring-together.js';
import { dismissMisfits, gather } from './gather.js';
import type { Member } from './member.js';
import { sidesOf } from './replica-watch.js';

/**
 * Waits for so many workers, finds the newest state that they or the store hold, and brings all of them to it. Returns
 * its step; undefined: aborted.
 */
export async function assemble(
  run: Run,
  needed: number,
  options: {
    /** It has lost all its workers. */
    isOrphaned: boolean;
    signal: AbortSignal;
  },
): Promise<number | undefined> {
  for (;;) {
    run.board.set({ state: 'RUN_STATE_WAITING_FOR_WORKERS' });
    const members = await gather(run, needed, options);
    if (members === undefined) return undefined;
    const records = recordsOf(members);
    const { step, source } = await newestState(run, members, records);
    await bringTogether(run, members, step, source);
    if (run.crew.active.length === 0) continue;
    for (const record of records) run.runLog.add(record);
    run.runLog.rewind(step);
    run.board.set({ step });
    return step;
  }
}

/** At a boundary between steps: lets workers in that have loaded, and those go that want to. */
export async function admitAndRelease(run: Run, step: number): Promise<void> {
  const { crew } = run;
  dismissMisfits(run);
  const { waiting, active } = crew;
  if (waiting.length > 0) {
    // Newcomers know nothing of the steps before: if only they outlived this coordinator, the lines would be lost.
    await run.patience.attempt('write metrics', () => run.runLog.write());
    await bringTogether(run, waiting, step, { providers: active });
  }
  for (const member of crew.living.filter(({ isLeaving }) => isLeaving))
    crew.release(member, 'It wanted to leave.');
}

/**
 * The newest state: the workers', by the majority of those that hold it, or the newest checkpoint's. One that the run's log
 * would lack lines for is not taken: the run went back meanwhile, and what came after was forgotten with the coordinator
 * that had it.
 */
async function newestState(
  run: Run,
  members: readonly Member[],
  records: readonly StepRecord[],
): Promise<{ step: number; source: Source }> {
  const { localSteps } = run.record.config;
  const told = new Set(records.map(({ metrics }) => metrics.step));
  const isKnown = (step: number) => run.runLog.reaches(step, told, (done) => roundStart(localSteps, done));
  for (const { name, holding } of members)
    if (holding && !isKnown(holding.step))
      run.log.warn(
        { worker: name, step: holding.step },
        'a state is not taken: lines of steps before it are lost',
      );
  const states = members.map(({ holding }) => holding?.step ?? 0).filter(isKnown);
  const held = Math.max(0, ...states);
  const saved = held > run.checkpoints.latestStep ? 0 : ((await run.checkpoints.known())?.manifest.step ?? 0);
  const step = Math.max(saved, held);
  const holders = members.filter(({ holding }) => holding?.step === step);
  const sides = sidesOf(holders.map((member) => [member, member.holding!.digest] as const));
  const [largest, second] = sides;
  if (sides.length > 1 && !run.hasStarted && step === saved)
    throw new UserError(
      `Workers ${largest![0]!.name} and ${second![0]!.name} start from different weights; give all the same model files.`,
    );
  const isUndecided = second !== undefined && second.length === largest!.length;
  if (largest !== undefined && !isUndecided) return { step, source: { providers: largest } };
  const checkpoint = await run.checkpoints.known();
  return { step: checkpoint?.manifest.step ?? 0, source: { checkpoint } };
}

/** What workers have heard of steps, in their order. */
function recordsOf(members: readonly Member[]): StepRecord[] {
  return members
    .flatMap(({ ready }) => ready!.metrics.map((line) => JSON.parse(line) as StepRecord))
    .toSorted((a, b) => a.metrics.step - b.metrics.step);
}
