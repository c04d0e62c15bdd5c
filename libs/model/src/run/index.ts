export {
  type FileKind,
  type StateArray,
  type StateFile,
  type StateTensor,
  checkpointFiles,
  namesOfKind,
} from './checkpoint-files.js';
export { CheckpointLog, type ValidatedStep } from './checkpoint-log.js';
export type { CheckpointManifest, Validation } from './checkpoint-manifest.js';
export { type CheckpointName, findCheckpoint } from './find-checkpoint.js';
export { newestValidCheckpoint } from './newest-valid-checkpoint.js';
export { latestTerm } from './pointer.js';
export { type Checkpoint, checkpointFolder } from './stored-checkpoints.js';
export {
  type RunConfig,
  type TrainingConfig,
  exchangedPerParameter,
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
export { type ValidationChoice, validationChoice } from './validation-choice.js';
