export { imageOrder } from './image-order.js';
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
