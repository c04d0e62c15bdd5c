import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  type CoordinatorConfig,
  type RunConfig,
  launchKeys,
  runConfig,
  startOptions,
} from '@captrain/model/run';
import { type HubOptions, meansModel, pinModel } from '@captrain/model/hub';
import { partsOf } from '@captrain/data/order';
import { UserError, resolveConfig } from '@captrain/runtime';

/** Options that no weights depend on, though they belong to the run: they may change when it is resumed. */
const changeable: ReadonlySet<keyof RunConfig> = new Set([
  ...(['checkpointEvery', 'digestEvery', 'validationSplit', 'validationCaptions'] as const),
]);

/** Local folders by their absolute paths, so that the run can be resumed and used from any working directory. */
export function anchored(given: CoordinatorConfig): CoordinatorConfig {
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
export async function newRun(
  given: CoordinatorConfig,
  givenKeys: ReadonlySet<string>,
  hub: HubOptions,
): Promise<RunConfig> {
  const start = given.init === undefined ? [] : Object.entries(startOptions(given.init));
  const taken = start.filter(([key]) => !givenKeys.has(key));
  // Until the workers have said what fits, the least that the batch is cut into.
  const microbatches = given.microbatches === 'auto' ? partsOf(given) : given.microbatches;
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

/** A resumed run's own config, with what may change. Throws a UserError where the command line asks for another. */
export async function resumedRun(
  config: RunConfig,
  given: CoordinatorConfig,
  givenKeys: ReadonlySet<string>,
  hub: HubOptions,
): Promise<RunConfig> {
  const changed: Record<string, unknown> = {};
  for (const key of givenKeys) {
    if (launchKeys.has(key)) continue;
    const asked = given[key as keyof CoordinatorConfig];
    const held = config[key as keyof RunConfig];
    if (asked === held || (key === 'microbatches' && asked === 'auto')) continue;
    if (changeable.has(key as keyof RunConfig)) {
      changed[key] = asked;
      continue;
    }
    if (key === 'languageModel' && (await meansModel(String(asked), String(held), hub))) continue;
    throw new UserError(
      `The run in ${given.run} was started with ${key} ${held}, not ${asked}; resume it without that option, or start another run.`,
    );
  }
  return { ...config, ...changed };
}
