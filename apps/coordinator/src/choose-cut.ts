import { cutsOf, partsOf } from '@captrain/data/order';
import type { Member } from './membership/member.js';
import type { Run } from './run.js';

/**
 * What the global batch is to be cut into: the fewest equal microbatches that fit the device of every worker, by the
 * workers' own estimates, and give each of them one; of a run with local steps, each island's part. Undefined: aborted.
 */
export async function chooseCut({ crew, record }: Run, signal: AbortSignal): Promise<number | undefined> {
  const fitting = new Map<Member, number>();
  for (const member of crew.active) member.send({ fit: {} });
  while (crew.active.some((member) => !fitting.has(member))) {
    const event = await crew.next({ signal });
    if (event === undefined) return undefined;
    if (event.type !== 'message' || !event.message.fitting) continue;
    fitting.set(event.member, event.message.fitting.microbatches);
  }
  const { batchSize } = record.config;
  const parts = partsOf(record.config);
  const least = Math.max(parts > 1 ? 1 : crew.active.length, ...fitting.values());
  return parts * fewest(batchSize / parts, least / parts);
}

/** The fewest equal parts of a batch that are no fewer than `least`; single captions where there are none. */
export function fewest(batchSize: number, least: number): number {
  return cutsOf(batchSize).find((cut) => cut >= least) ?? batchSize;
}
