import { UserError } from '@captrain/runtime';
import type { Run } from '../run.js';
import type { Member } from './member.js';

/** How often the waiting looks at the clock. */
const TICK_MS = 200;

/**
 * Waits until so many workers have loaded. Where some of them have outlived their coordinator, those that are slow to
 * come again are not waited for longer than a lease. Undefined: aborted. Throws a UserError where a run that has lost all
 * its workers gets none.
 */
export async function gather(
  run: Run,
  needed: number,
  { isOrphaned, signal }: { isOrphaned: boolean; signal: AbortSignal },
): Promise<readonly Member[] | undefined> {
  const { crew, leaseSeconds } = run;
  let changedAt = performance.now();
  let count = -1;
  for (;;) {
    dismissMisfits(run);
    const { waiting, living } = crew;
    if (waiting.length >= needed) return waiting;
    if (living.length + waiting.length !== count) {
      count = living.length + waiting.length;
      changedAt = performance.now();
    }
    const idle = (performance.now() - changedAt) / 1000;
    const hasSurvivors = waiting.some(({ hello }) => hello.generation > 0);
    if (hasSurvivors && living.length === waiting.length && idle > leaseSeconds) return waiting;
    if (isOrphaned && living.length === 0 && idle > run.workerPatience) {
      const { uri } = run.store;
      throw new UserError(
        `No worker has come for ${run.workerPatience} s after the last one was lost; start workers, and go on with captrain train --run ${uri} --resume.`,
      );
    }
    await crew.next({ signal, milliseconds: TICK_MS });
    if (signal.aborted) return undefined;
  }
}

/**
 * Sends workers away that have another model or other data than the run. Before its first step the run ends instead, with
 * a UserError: it is not known who is right.
 */
export function dismissMisfits(run: Run): void {
  const { crew, dataDigest } = run;
  for (const member of crew.waiting) {
    const fault = faultOf(run, member, dataDigest);
    if (fault === undefined) run.layout ??= member.ready!;
    else if (!run.hasStarted) throw new UserError(fault);
    else {
      crew.dismiss(member, fault);
    }
  }
}

function faultOf({ layout }: Run, { name, ready }: Member, dataDigest: string): string | undefined {
  if (ready!.dataDigest !== dataDigest)
    return `Worker ${name} reads other data than the coordinator; give both the same store.`;
  if (layout !== undefined && ready!.layoutDigest !== layout.layoutDigest)
    return `Worker ${name} built another model than the others; give all the same model files.`;
  return undefined;
}
