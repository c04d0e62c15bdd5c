export {
  type Checkpoint,
  type CheckpointManifest,
  MODEL_FILE,
  OPTIMIZER_FILE,
  checkpointAt,
  checkpointFolder,
  commitCheckpoint,
  latestCheckpoint,
} from './checkpoint-manifest.js';
export {
  type RunConfig,
  type TrainingConfig,
  runConfig,
  trainingConfig,
  trainingPart,
} from './run-config.js';
export { startOptions } from './start-options.js';
export {
  type CoordinatorConfig,
  type LaunchConfig,
  coordinatorConfig,
  launchConfig,
  launchKeys,
} from './launch-config.js';
