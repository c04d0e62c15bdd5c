import { existsSync } from 'node:fs';
import path from 'node:path';
import { openStore, readManifest, requireConditionalWrites } from '@captrain/data';
import { stepsPerEpoch, totalSteps } from '@captrain/data/order';
import {
  type CoordinatorConfig,
  type RunConfig,
  latestCheckpoint,
  launchKeys,
  runConfig,
  startOptions,
} from '@captrain/model/run';
import { type HubOptions, meansModel, pinModel } from '@captrain/model/hub';
import type { Welcome } from '@captrain/protos';
import { type Logger, UserError, messageOf, resolveConfig } from '@captrain/runtime';
import { Crew } from './crew.js';
import { GradientExchange } from './gradient-exchange.js';
import { Mailbox } from './mailbox.js';
import type { MemberEvent } from './member.js';
import { MetricsLog } from './metrics-log.js';
import { readRun } from './run-folder.js';
import { RunRecord } from './run-record.js';
import { CoordinatorServer } from './server.js';
import { StatusBoard } from './status-board.js';
import { statusHandlers } from './status-service.js';
import { train } from './train.js';
import { trainingHandlers } from './training-service.js';

/** Membership does not change within a run yet, except that workers get lost. */
const GENERATION = 1;

/** What a coordinator says of itself to whoever started it, before any step. */
export type Announcement =
  | { readonly listening: string; readonly config: RunConfig }
  /** There is nothing left to train: the newest checkpoint is the run's last. */
  | { readonly finished: string };

/**
 * A coordinator's life: opens the run, serves, trains with its workers, stops them.
 * `announce` is called once the server listens. Throws a UserError for whatever the user can mend.
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
  const { signal, log } = options;
  const store = await openStore(given.run);
  const hub = { signal, say: (line: string) => log.warn(line) };
  const config = given.resume
    ? await resumed(await readRun(store), anchored(given), options.givenKeys, hub)
    : await newRun(anchored(given), options.givenKeys, hub);
  const manifest = await readManifest(await openStore(config.data));
  const captions = manifest.captionsOf(config.split);
  const steps = totalSteps(captions, config);
  const start = given.resume ? await latestCheckpoint(store) : undefined;
  if (start !== undefined && start.manifest.data !== manifest.digest) {
    throw new UserError(
      `${config.data} is not the data that ${store.uri}/${start.folder} was trained on; restore it, or start another run.`,
    );
  }
  if (start !== undefined && start.manifest.step >= steps) {
    options.announce({ finished: `${store.uri}/${start.folder}` });
    return;
  }

  const events = new Mailbox<MemberEvent>();
  const exchange = new GradientExchange(GENERATION);
  const board: StatusBoard = new StatusBoard(
    {
      run: store.uri,
      totalSteps: steps,
      totalEpochs: Math.ceil(steps / stepsPerEpoch(captions, config)),
      generation: GENERATION,
      expectedWorkers: given.workers,
    },
    () => crew.all,
  );
  const crew = new Crew(given.workers, events, () => board.changed());
  if (start !== undefined) {
    const { step, epoch } = start.manifest;
    board.set({ step, epoch, lastCheckpoint: { step, folder: start.folder } });
  }
  const welcome: Omit<Welcome, 'worker'> = {
    generation: GENERATION,
    configJson: JSON.stringify(config),
    run: store.uri,
    checkpoint: start?.folder ?? '',
    checkpointDigests: Object.fromEntries(
      Object.entries(start?.manifest.files ?? {}).map(([name, { sha256 }]) => [name, sha256]),
    ),
    dataDigest: manifest.digest,
    dim: manifest.content.dim,
    encoder: manifest.content.encoder,
  };
  const server = await CoordinatorServer.listen(given.host, given.port, {
    training: trainingHandlers({
      exchange,
      events,
      join: ({ name }, makeMember) => {
        log.info({ worker: name }, 'worker joined');
        return crew.admit(makeMember, (worker) => ({ welcome: { worker, ...welcome } }));
      },
    }),
    status: statusHandlers(board),
  });
  let record: RunRecord | undefined;
  try {
    await requireConditionalWrites(store);
    record = given.resume
      ? RunRecord.resumed(store, config)
      : await RunRecord.begin(store, config, given.microbatches !== 'auto');
    const metrics = await MetricsLog.open(store, start?.manifest.step ?? 0);
    options.announce({ listening: server.address, config });
    const newest = await train(
      {
        record,
        captions,
        dataDigest: manifest.digest,
        store,
        start,
        crew,
        exchange,
        board,
        metrics,
        log,
      },
      signal,
    );
    const step = newest?.manifest.step ?? 0;
    const message = step === steps ? '' : `Stopped at step ${step} of ${steps}.`;
    crew.stop(message === '' ? 'The run is finished.' : message);
    board.set({ state: 'RUN_STATE_FINISHED', message });
  } catch (error) {
    board.set({ state: 'RUN_STATE_FAILED', message: messageOf(error) });
    crew.stop(messageOf(error));
    // A run that failed before its first step leaves its folder free for the mended command.
    if (board.current.step === 0) await record?.abandon();
    throw error;
  } finally {
    await server.close();
  }
}

/** Local folders by their absolute paths, so that the run can be resumed and used from any working directory. */
function anchored(given: CoordinatorConfig): CoordinatorConfig {
  const { data, init } = given;
  return {
    ...given,
    ...(data !== undefined && existsSync(data) && { data: path.resolve(data) }),
    ...(init !== undefined && { init: path.resolve(init) }),
  };
}

/**
 * The config of a new run; what is wrong with it is named by its flag. Its language model is pinned: a folder by its
 * absolute path, which may exist for the workers alone, and a model of the hub by its commit. Of a captioner folder to
 * start from it has all that was not given.
 */
async function newRun(
  given: CoordinatorConfig,
  givenKeys: ReadonlySet<string>,
  hub: HubOptions,
): Promise<RunConfig> {
  const start = given.init === undefined ? [] : Object.entries(startOptions(given.init));
  const taken = start.filter(([key]) => !givenKeys.has(key));
  // Until the workers have said what fits, a number that always divides.
  const microbatches = given.microbatches === 'auto' ? 1 : given.microbatches;
  const values = Object.entries({ ...given, microbatches, ...Object.fromEntries(taken) }).filter(
    ([key, value]) => !launchKeys.has(key) && value !== undefined,
  );
  const flags = values.map(([key, value]) => [key, typeof value === 'boolean' ? value : String(value)]);
  const config = resolveConfig(runConfig, {
    flags: Object.fromEntries(flags) as Record<string, string | boolean>,
  });
  if (path.isAbsolute(config.languageModel)) return config;
  return { ...config, languageModel: await pinModel(config.languageModel, hub) };
}

/** A resumed run's own config. Throws a UserError where the command line asks for another. */
async function resumed(
  config: RunConfig,
  given: CoordinatorConfig,
  givenKeys: ReadonlySet<string>,
  hub: HubOptions,
): Promise<RunConfig> {
  for (const key of givenKeys) {
    if (launchKeys.has(key)) continue;
    const asked = given[key as keyof CoordinatorConfig];
    const held = config[key as keyof RunConfig];
    if (asked === held || (key === 'microbatches' && asked === 'auto')) continue;
    if (key === 'languageModel' && (await meansModel(String(asked), String(held), hub))) continue;
    throw new UserError(
      `The run in ${given.run} was started with ${key} ${held}, not ${asked}; resume it without that option, or start another run.`,
    );
  }
  return config;
}
