import { cutsOf } from '@captrain/data/order';
import type { Member } from './member.js';
import { type Share, noteLoss } from './share.js';

/**
 * What the global batch is to be cut into: the fewest equal microbatches that fit the device of every worker, by the
 * workers' own estimates, and give each of them one. Undefined: aborted.
 */
export async function chooseCut(share: Share, signal: AbortSignal): Promise<number | undefined> {
  const { crew, record } = share;
  const fitting = new Map<Member, number>();
  crew.broadcast({ fit: {} });
  while (crew.alive.some((member) => !fitting.has(member))) {
    const event = await crew.next(signal);
    if (event === undefined) return undefined;
    if (event.type === 'lost') noteLoss(share, event.member, 0);
    else if (event.message.fitting) fitting.set(event.member, event.message.fitting.microbatches);
  }
  return fewest(record.config.batchSize, Math.max(crew.alive.length, ...fitting.values()));
}

/** The fewest equal parts of a batch that are no fewer than `least`; single captions where there are none. */
export function fewest(batchSize: number, least: number): number {
  return cutsOf(batchSize).find((cut) => cut >= least) ?? batchSize;
}
