import { type ObjectStore, openStore, readManifest, requireConditionalWrites } from '@captrain/data/store';
import { stepsPerEpoch, totalSteps } from '@captrain/data/order';
import { ReduceService } from '@captrain/exchange';
import {
  type Checkpoint,
  CheckpointLog,
  type CoordinatorConfig,
  type RunConfig,
  findCheckpoint,
  latestTerm,
  newestValidCheckpoint,
  validationChoice,
} from '@captrain/model/run';
import type { Hello, Welcome } from '@captrain/protos';
import { type Logger, UserError, messageOf } from '@captrain/runtime';
import { LeaderLease } from './leader-lease.js';
import { LEADER, isOver, readLeader } from './leader-record.js';
import { digestsOf } from './membership/bring-together.js';
import { anchored, newRun, resumedRun } from './open-run.js';
import { prepareRun } from './prepare-run.js';
import type { Run } from './run.js';
import { readRun, refuseOtherData, refuseRun, rewriteRun } from './run-folder.js';
import { refuseCollective } from './refuse-collective.js';
import { RunRecord } from './run-record.js';
import { CoordinatorServer } from './server.js';
import { StatusBoard } from './status-board.js';
import { statusHandlers } from './status-service.js';
import { train } from './train.js';
import { Doorway, trainingHandlers } from './training-service.js';

/** What a coordinator says of itself to whoever started it, before any step. */
export type Announcement =
  | { readonly listening: string; readonly config: RunConfig }
  /** There is nothing left to train: the newest checkpoint is the run's last. */
  | { readonly finished: string };

/**
 * A coordinator's life: opens the run, serves, takes the lead, trains with its workers, stops them.
 * `announce` is called once the server listens. Throws a UserError for whatever the user can mend, and where another
 * coordinator leads the run.
 */
export async function coordinate(
  given: CoordinatorConfig,
  options: {
    givenKeys: ReadonlySet<string>;
    signal: AbortSignal;
    log: Logger;
    announce: (announcement: Announcement) => void;
  },
): Promise<void> {
  const { log } = options;
  const store = await openStore(given.run);
  const say = (line: string) => log.warn(line);
  const hub = { signal: options.signal, say };
  const config = given.resume
    ? await resumedRun(await readRun(store), anchored(given), options.givenKeys, hub)
    : await newRun(anchored(given), options.givenKeys, hub);
  refuseCollective(given, config);
  const manifest = await readManifest(await openStore(config.data));
  const captions = manifest.captionsOf(config.split);
  const choice = validationChoice(config, manifest);
  const steps = totalSteps(captions, config);

  const doorway = new Doorway();
  const board = new StatusBoard({
    run: store.uri,
    totalSteps: steps,
    totalEpochs: Math.ceil(steps / stepsPerEpoch(captions, config)),
    generation: 0,
    expectedWorkers: given.workers,
    reduce: given.reduce,
  });
  const reduce = new ReduceService((call) => doorway.reduce(call));
  const server = await CoordinatorServer.listen(given.host, given.port, {
    training: trainingHandlers(doorway, reduce),
    status: statusHandlers(board),
    reduce,
  });
  let record: RunRecord | undefined;
  let lease: LeaderLease | undefined;
  let run: Run | undefined;
  let isAbandoned = false;
  try {
    await requireConditionalWrites(store);
    // What is refused leaves the run as it is, its lead too.
    if (given.resume) await refuseOtherData(store, manifest.digest, config.data);
    else await refuseRun(store);
    const last = given.resume
      ? await lastCheckpoint(store, steps, { say, signal: options.signal })
      : undefined;
    if (last !== undefined) {
      options.announce({ finished: `${store.uri}/${last.folder}` });
      const leader = await readLeader(store);
      // Workers of a coordinator that crashed after its last commit ask for it still.
      if (leader?.record.free === false) await doorway.sendAway('The run is finished.');
      if (leader === undefined || isOver(leader.record)) await sweepFinished(store);
      return;
    }
    lease = await LeaderLease.acquire(store, {
      address: server.address,
      leaseSeconds: given.leaderLeaseSeconds,
      patienceSeconds: given.storePatience,
      signal: options.signal,
      say,
    });
    const signal = AbortSignal.any([options.signal, lease.lost]);
    record = given.resume
      ? RunRecord.resumed(store, config)
      : await RunRecord.begin(store, config, given.microbatches !== 'auto');
    if (given.resume) await rewriteRun(store, config);
    run = await prepareRun({
      store,
      record,
      given,
      captions,
      manifest,
      validationChoice: choice,
      board,
      log,
      lease,
      signal,
    });
    const { crew, checkpoints, reduction } = run;
    const welcome = async (hello: Hello): Promise<Omit<Welcome, 'worker'>> => ({
      generation: crew.generation,
      configJson: JSON.stringify(record!.config),
      run: store.uri,
      ...startOf(hello.generation > 0 || crew.active.length > 0 ? undefined : await checkpoints.known()),
      dataDigest: manifest.digest,
      dim: manifest.content.dim,
      encoder: manifest.content.encoder,
      leaseSeconds: given.leaseSeconds,
      ledger: given.ledger,
    });
    options.announce({ listening: server.address, config });
    doorway.open({ crew, reduction, welcome, log });
    const newest = await train(run, given.workers, signal);
    if (lease.lost.aborted) throw lease.lost.reason;
    const step = newest?.manifest.step ?? 0;
    const message = step === steps ? '' : `Stopped at step ${step} of ${steps}.`;
    crew.stop(message === '' ? 'The run is finished.' : message);
    board.set({ state: 'RUN_STATE_FINISHED', message });
  } catch (error) {
    const end = await endOf(error, lease);
    board.set({ state: 'RUN_STATE_FAILED', message: messageOf(end.reason) });
    // Workers of a coordinator that was replaced go on with its successor; those of a run that failed have nobody to wait for.
    if (!end.isReplaced) run?.crew.stop(messageOf(end.reason));
    // A run that failed before its first step leaves its folder free for the mended command.
    if (!end.isReplaced && board.current.step === 0) isAbandoned = (await record?.abandon()) ?? !given.resume;
    throw end.reason;
  } finally {
    await run?.checkpoints.close();
    run?.runLog.writeInBackground();
    await run?.runLog.settled();
    await server.close();
    await lease?.close();
    if (isAbandoned && lease !== undefined) await store.delete(LEADER);
  }
}

/**
 * What ended the run, and whether another coordinator leads it now, or may. A lead that could not be renewed is no
 * other's while the run's folder names this coordinator: then what the store said of the renewal is the reason.
 */
async function endOf(
  error: unknown,
  lease: LeaderLease | undefined,
): Promise<{ reason: unknown; isReplaced: boolean }> {
  if (lease?.lost.aborted !== true) return { reason: error, isReplaced: false };
  const lost = lease.lost.reason as UserError;
  if (!(await lease.isHeld().catch(() => false))) return { reason: lost, isReplaced: true };
  const said = error instanceof UserError && error !== lost ? error : lost.cause;
  return { reason: said instanceof UserError ? said : lost, isReplaced: false };
}

/**
 * Removes what a coordinator has left that crashed after its last commit, or a worker that stood still over a checkpoint
 * until the run was over, and wrote on then. Nobody leads the run.
 */
async function sweepFinished(store: ObjectStore): Promise<void> {
  await store.sweep();
  const checkpoints = await CheckpointLog.open(store, { term: await latestTerm(store) });
  await checkpoints.retain(0);
}

/** The checkpoint of a run's last step, if it is there and whole. */
async function lastCheckpoint(
  store: ObjectStore,
  steps: number,
  options: Parameters<typeof newestValidCheckpoint>[1],
): Promise<Checkpoint | undefined> {
  const latest = await findCheckpoint(store, 'latest').catch(() => undefined);
  if (latest === undefined || latest.manifest.step < steps) return undefined;
  const newest = await newestValidCheckpoint(store, options);
  return newest !== undefined && newest.manifest.step >= steps ? newest : undefined;
}

/** Where a newcomer starts: none for one that holds a state, or that takes one from others. */
function startOf(checkpoint: Checkpoint | undefined) {
  return { checkpoint: checkpoint?.folder ?? '', checkpointDigests: digestsOf(checkpoint) };
}
