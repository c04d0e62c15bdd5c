import { UserError } from '@captrain/runtime';
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
    const { step, source } = await newestState(run, members);
    await bringTogether(run, members, step, source);
    if (run.crew.active.length === 0) continue;
    for (const line of members.flatMap(({ ready }) => ready!.metrics).toSorted(byStep))
      run.runLog.add(JSON.parse(line) as Parameters<typeof run.runLog.add>[0]);
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

/** The newest state: the workers', by the majority of those that hold it, or the newest checkpoint's. */
async function newestState(run: Run, members: readonly Member[]): Promise<{ step: number; source: Source }> {
  const held = Math.max(0, ...members.map(({ holding }) => holding?.step ?? 0));
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

function byStep(a: string, b: string): number {
  const stepOf = (line: string) => (JSON.parse(line) as { metrics: { step: number } }).metrics.step;
  return stepOf(a) - stepOf(b);
}
