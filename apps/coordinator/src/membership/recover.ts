import { UserError } from '@captrain/runtime';
import type { Run } from '../run.js';
import { bringTogether } from './bring-together.js';

/** Differences that no majority explains, until the run is given up. */
const MOST_TIES = 2;

const ties = new WeakMap<Run, number>();

/**
 * Replicas differ after a step. Those in the minority are sent away for good, for their machine's memory or libraries are
 * suspect; since what they contributed lately may be wrong as well, everyone goes back to the newest checkpoint, whose
 * replicas agreed. Returns its step. Throws where no side is larger, again and again.
 */
export async function recover(run: Run): Promise<number> {
  const { crew, replicas, checkpoints, runLog, log } = run;
  const { step, astray } = replicas.takeVerdict()!;
  checkpoints.abandon(step);
  for (const member of astray)
    crew.fence(
      member,
      `After step ${step} the replica of ${member.name} differs from the others'; its machine's memory or libraries are suspect.`,
    );
  if (astray.length === 0) {
    const count = (ties.get(run) ?? 0) + 1;
    ties.set(run, count);
    const names = crew.active.map(({ name }) => name).join(' and ');
    if (count > MOST_TIES)
      throw new UserError(
        `After step ${step} the replicas of ${names} differ, for the ${count}rd time; the memory or the libraries of one of their machines are suspect: go on without it, by --resume.`,
      );
    log.warn({ step, workers: names }, 'replicas differ, and it is not known which is right');
  }
  await checkpoints.settle();
  const checkpoint = await checkpoints.known();
  const back = checkpoint?.manifest.step ?? 0;
  log.warn({ step, back }, 'going back to where all replicas agreed');
  const members = crew.active;
  for (const member of members) member.active = false;
  runLog.rewind(back);
  await bringTogether(run, members, back, { checkpoint });
  checkpoints.moveTo(back);
  return back;
}
