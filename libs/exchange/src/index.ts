export { type OwnSums } from './own-part.js';
export type { PartInReduction, ReductionSeen } from './part-in-reduction.js';
export { reduceThrough } from './reduce-through.js';
export { ReducerConnection } from './reducer-connection.js';
export { Reducer, type ReducerOptions } from './reducer.js';
export type { Reduction, SubtreeSum } from './reduction.js';
export type { RefusalKind } from './refusal.js';
export { type Subtree, alignedSubtrees, shareMicrobatches, subtreeKey } from './subtree.js';
export { sumOrder } from './sum-order.js';
