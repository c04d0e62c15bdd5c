import { z } from 'zod';
import { runConfig } from './run-config.js';

/** What starts a run or goes on with it; no result depends on it. */
export const launchConfig = z.strictObject({
  run: z.string().min(1).describe("the run's folder, or s3://bucket/prefix: config, metrics, checkpoints"),
  resume: z.boolean().default(false).describe('go on with the run from its newest checkpoint'),
  keepCheckpoints: z
    .number()
    .int()
    .min(0)
    .default(3)
    .describe('newest checkpoints to keep, 0: all; the best by validation is kept besides'),
  workers: z.number().int().min(1).default(1).describe('workers to wait for before the first step'),
  host: z.string().min(1).default('127.0.0.1').describe('address that the coordinator listens on'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(50051)
    .describe('port that the coordinator listens on; 0: any free one'),
  reduce: z
    .enum(['coordinator', 'workers', 'collective'])
    .default('coordinator')
    .describe(
      'who adds the gradients up: the coordinator, or the workers, each one part of the parameters, so that no machine carries the bytes of all: the result is the same; or TensorFlow in a process beside each worker (collective: a ring, by NCCL between GPUs), float32 alone, whose result is the same for all workers, but in its last bits another one for another number of them',
    ),
  localAggregation: z
    .boolean()
    .optional()
    .describe(
      'workers of one host combine their gradients through shared memory before anything crosses the network; with exact exchange the result is the same. On unless --no-local-aggregation is given, but for --reduce collective, which has no use for it',
    ),
  leaseSeconds: z
    .number()
    .min(0.5)
    .default(10)
    .describe('a worker that is not heard of for so long has left; its microbatches go to others'),
  leaderLeaseSeconds: z
    .number()
    .min(0.5)
    .default(3)
    .describe('another coordinator may take the run over once this one has not renewed its lead for so long'),
  stragglerFactor: z
    .number()
    .min(1.5)
    .default(4)
    .describe(
      'a worker so many times slower than the median is relieved of work for a while, and what it is late with is computed by others as well',
    ),
  workerPatience: z
    .number()
    .min(0)
    .default(600)
    .describe('seconds to wait for workers after the last one was lost'),
  storePatience: z
    .number()
    .min(0)
    .default(300)
    .describe('seconds to go on without a store that cannot be written to'),
  skipLimit: z
    .number()
    .int()
    .min(1)
    .default(10)
    .describe('steps in a row whose gradient is not finite, until the run is given up'),
  ledger: z
    .boolean()
    .default(false)
    .describe('keep ledger.jsonl: the captions of every step, by their position in the split'),
});
export type LaunchConfig = z.infer<typeof launchConfig>;

/** Flags of the coordinator: a run to start, or with resume one to go on with, which brings its own config. */
export const coordinatorConfig = z.strictObject({
  ...launchConfig.shape,
  ...z.strictObject(runConfig.shape).omit({ microbatchCuts: true, collectiveSince: true }).shape,
  data: runConfig.shape.data.optional(),
  languageModel: runConfig.shape.languageModel.optional(),
  microbatches: z
    .union([z.number().int().min(1), z.literal('auto')])
    .default(runConfig.shape.microbatches.parse(undefined))
    .describe(
      `${runConfig.shape.microbatches.description}; auto: as few as the workers' memory and number allow, chosen once and kept in the run's config`,
    ),
});
export type CoordinatorConfig = z.infer<typeof coordinatorConfig>;

export const launchKeys: ReadonlySet<string> = new Set(Object.keys(launchConfig.shape));
