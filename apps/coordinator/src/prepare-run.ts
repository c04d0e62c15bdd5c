import type { DataManifest, ObjectStore } from '@captrain/data';
import { type CoordinatorConfig, commitCheckpoint, latestCheckpoint } from '@captrain/model/run';
import type { Logger } from '@captrain/runtime';
import { Checkpoints } from './checkpoints/checkpoints.js';
import { RunLog } from './log/run-log.js';
import { StorePatience } from './log/store-patience.js';
import { Crew } from './membership/crew.js';
import type { Member } from './membership/member.js';
import { ReplicaWatch } from './membership/replica-watch.js';
import type { Run } from './run.js';
import type { RunRecord } from './run-record.js';
import type { StatusBoard } from './status-board.js';
import { Pace } from './step/pace.js';
import { ReduceAmongWorkers } from './step/reduce-among-workers.js';
import { ReduceHere } from './step/reduce-here.js';

/** Puts a run together: what its folder holds, and who will work on it. */
export async function prepareRun(options: {
  store: ObjectStore;
  record: RunRecord;
  given: CoordinatorConfig;
  captions: number;
  manifest: DataManifest;
  board: StatusBoard;
  log: Logger;
  term: number;
  signal: AbortSignal;
}): Promise<Run> {
  const { store, record, given, captions, manifest, board, log, term } = options;
  const { config } = record;
  const start = given.resume ? await latestCheckpoint(store) : undefined;
  const patience = new StorePatience(given.storePatience, log);
  const runLog = await RunLog.open(store, start?.manifest.step ?? 0, { ledger: given.ledger, patience });
  const crew = new Crew({ term, leaseSeconds: given.leaseSeconds, changed: () => board.changed(), log });
  const replicas = new ReplicaWatch();
  crew.observe(replicas.observe);
  const reduction =
    given.reduce === 'workers'
      ? new ReduceAmongWorkers()
      : new ReduceHere(config.exchange === 'bf16' ? 'bfloat16' : 'float32', (refusal) =>
          crew.post({ type: 'refused', ...refusal }),
        );
  const pace = new Pace<Member>(given.stragglerFactor);
  const checkpoints = new Checkpoints(
    {
      store,
      crew,
      replicas,
      patience,
      log,
      commit: async (manifest) => {
        // The steps before a checkpoint are not computed again: their lines have to be there.
        await runLog.write();
        return commitCheckpoint(store, manifest);
      },
      committed: ({ folder, manifest }) => board.set({ lastCheckpoint: { step: manifest.step, folder } }),
    },
    start,
  );
  board.attach(crew, pace);
  if (start !== undefined) {
    const { step, epoch } = start.manifest;
    board.set({ step, epoch, lastCheckpoint: { step, folder: start.folder } });
  }
  return {
    record,
    store,
    captions,
    dataDigest: manifest.digest,
    crew,
    pace,
    reduction,
    board,
    runLog,
    log,
    replicas,
    checkpoints,
    patience,
    keepsLedger: given.ledger,
    workerPatience: given.workerPatience,
    skipLimit: given.skipLimit,
    leaseSeconds: given.leaseSeconds,
    stragglerFactor: given.stragglerFactor,
    layout: undefined,
    hasStarted: start !== undefined,
  };
}
