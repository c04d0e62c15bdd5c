export { imageOrder } from './image-order.js';
export { cutsOf, finerCut, microbatchesAt, type Cuts, type MicrobatchCut } from './microbatch-cut.js';
export {
  partsOf,
  roundEnd,
  roundPlan,
  roundStart,
  type IslandStep,
  type RoundOptions,
  type RoundPlan,
  type RoundStep,
} from './rounds.js';
export { sampleOrder } from './sample-order.js';
export {
  microbatchRanges,
  stepPlan,
  stepsPerEpoch,
  totalSteps,
  type BatchOptions,
  type LengthOptions,
  type Range,
  type StepPlan,
} from './step-plan.js';
export { validationOrder } from './validation-order.js';
