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
});
export type LaunchConfig = z.infer<typeof launchConfig>;

/** Flags of the coordinator: a run to start, or with resume one to go on with, which brings its own config. */
export const coordinatorConfig = z.strictObject({
  ...launchConfig.shape,
  ...z.strictObject(runConfig.shape).omit({ microbatchCuts: true }).shape,
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
