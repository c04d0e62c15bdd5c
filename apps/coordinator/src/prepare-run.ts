import type { DataManifest, ObjectStore } from '@captrain/data/store';
import {
  type Checkpoint,
  CheckpointLog,
  type CoordinatorConfig,
  type ValidationChoice,
  newestValidCheckpoint,
} from '@captrain/model/run';
import { type Logger, UserError, faultPoint } from '@captrain/runtime';
import { Checkpoints } from './checkpoints/checkpoints.js';
import { RunLog } from './log/run-log.js';
import { StorePatience } from './log/store-patience.js';
import type { LeaderLease } from './leader-lease.js';
import { Crew } from './membership/crew.js';
import type { Member } from './membership/member.js';
import { ReplicaWatch } from './membership/replica-watch.js';
import type { Run } from './run.js';
import type { RunRecord } from './run-record.js';
import type { StatusBoard } from './status-board.js';
import { LocalGroups } from './step/local-groups.js';
import { Pace } from './step/pace.js';
import { ReduceHere } from './step/reduce-here.js';
import { reductionOf } from './step/reduction-of.js';

export interface PrepareOptions {
  store: ObjectStore;
  record: RunRecord;
  given: CoordinatorConfig;
  captions: number;
  manifest: DataManifest;
  validationChoice: ValidationChoice | undefined;
  board: StatusBoard;
  log: Logger;
  lease: LeaderLease;
  signal: AbortSignal;
}

/**
 * Puts a run together: what its folder holds, and who will work on it. Its newest checkpoint is still being verified then,
 * which takes a while for a large one: where workers have outlived their coordinator, nobody waits for it.
 */
export async function prepareRun(options: PrepareOptions): Promise<Run> {
  const { store, record, given, captions, manifest, board, log, lease } = options;
  const { term } = lease;
  const { config } = record;
  await store.sweep();
  const checkpointLog = await CheckpointLog.open(store, { term });
  const patience = new StorePatience(given.storePatience, log);
  const find = async () => {
    const start = await findStart(options);
    // A coordinator before may have been killed between a manifest and what names its checkpoint.
    if (start) await patience.attempt('name the newest checkpoint', () => checkpointLog.finish(start));
    return start;
  };
  const found = given.resume ? find() : Promise.resolve(undefined);
  const runLog = await RunLog.open(store, {
    ledger: given.ledger,
    patience,
    leads: () => lease.isHeld(),
  });
  const crew = new Crew({ term, leaseSeconds: given.leaseSeconds, changed: () => board.changed(), log });
  const replicas = new ReplicaWatch();
  crew.observe(replicas.observe);
  const here = new ReduceHere(config.exchange === 'bf16' ? 'bfloat16' : 'float32', (refusal) =>
    crew.post({ type: 'refused', ...refusal }),
  );
  const reduction = reductionOf(given.reduce, here, crew);
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
        await found.catch(() => undefined);
        return checkpointLog.commit(manifest);
      },
      retain: async (isSpared) => {
        // What is being read to find the newest one is not deleted meanwhile.
        await found.catch(() => undefined);
        faultPoint('before-retain', checkpointLog.latestStep ?? 0);
        await checkpointLog.retain(given.keepCheckpoints, isSpared);
      },
      onCommitted: ({ folder, manifest }) =>
        board.set({
          lastCheckpoint: { step: manifest.step, folder },
          best: checkpointLog.best ?? null,
        }),
    },
    { found, latestStep: checkpointLog.latestStep },
  );
  board.attach(crew, pace);
  board.set({ best: checkpointLog.best ?? null });
  const show = (start: Checkpoint | undefined) => {
    if (start === undefined || board.current.step >= start.manifest.step) return;
    const { step, epoch, validation } = start.manifest;
    board.set({
      best: checkpointLog.best ?? null,
      step,
      epoch,
      lastCheckpoint: { step, folder: start.folder },
      validation: validation === undefined ? null : { step, ...validation },
    });
  };
  // Where none is whole, whoever needs one hears of it.
  found.then(show, () => {});
  return {
    record,
    store,
    captions,
    dataDigest: manifest.digest,
    crew,
    pace,
    reduction,
    here,
    groups: new LocalGroups(given.localAggregation ?? !reduction.isCollective, log),
    board,
    runLog,
    log,
    replicas,
    checkpoints,
    validationChoice: options.validationChoice,
    lastValidation: undefined,
    patience,
    keepsLedger: given.ledger,
    workerPatience: given.workerPatience,
    skipLimit: given.skipLimit,
    leaseSeconds: given.leaseSeconds,
    stragglerFactor: given.stragglerFactor,
    layout: undefined,
    hasStarted: given.resume && checkpointLog.latestStep !== undefined,
  };
}

/** The newest whole checkpoint of a run that is gone on with. Throws a UserError where it was trained on other data. */
async function findStart({
  store,
  record,
  manifest,
  log,
  signal,
}: PrepareOptions): Promise<Checkpoint | undefined> {
  const start = await newestValidCheckpoint(store, { say: (sentence) => log.warn(sentence), signal });
  if (start === undefined || start.manifest.data === manifest.digest) return start;
  throw new UserError(
    `${record.config.data} is not the data that ${store.uri}/${start.folder} was trained on; restore it, or start another run.`,
  );
}
