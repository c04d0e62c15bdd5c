import { type ObjectStore, readVersion } from '@captrain/data/store';
import { UserError, hasEnded } from '@captrain/runtime';
import { z } from 'zod';

/** The object of a run's folder that says who leads the run. */
export const LEADER = 'LEADER';

const leaderRecord = z.object({
  /** One higher with every coordinator that leads the run. */
  term: z.number().int().min(1),
  /** Of this lease. */
  id: z.string(),
  /** HOST:PORT on which it serves. */
  address: z.string(),
  host: z.string(),
  machine: z.string(),
  process: z.number().int(),
  started: z.string(),
  leaseSeconds: z.number().positive(),
  /** Counts the renewals, so that each of them changes the object and with it its etag. */
  renewals: z.number().int(),
  /** For people: clocks may differ, and nothing depends on them. */
  renewedAt: z.string(),
  /** Given up by its holder. */
  free: z.boolean(),
});
export type LeaderRecord = z.infer<typeof leaderRecord>;

export interface FoundLeader {
  readonly record: LeaderRecord;
  readonly etag: string;
}

/** Who leads a run, or led it last. Throws a UserError where that cannot be read. */
export async function readLeader(run: ObjectStore): Promise<FoundLeader | undefined> {
  const version = await readVersion(run, LEADER);
  if (version === undefined) return undefined;
  try {
    return { record: leaderRecord.parse(JSON.parse(version.bytes.toString('utf8'))), etag: version.etag };
  } catch (cause) {
    throw new UserError(
      `${run.uri}/${LEADER} does not say who leads the run; delete it once no coordinator of the run is left.`,
      { cause },
    );
  }
}

/** Whether a leader is certain to lead no longer. */
export function isOver(record: LeaderRecord): boolean {
  return record.free || hasEnded(record);
}

/** The leader, for people. */
export function describe({ address, process, host }: LeaderRecord): string {
  return `the coordinator at ${address} (process ${process} on ${host})`;
}
