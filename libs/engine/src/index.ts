export { accumulate } from './accumulate.js';
export type { Attribute, Attributes, ConstantValue, NodeAttribute, NodeAttributes } from './attributes.js';
export { requireBfloat16 } from './bfloat16.js';
export { blockChecksums } from './block-checksums.js';
export { bucketOf } from './compile/bucket-of.js';
export {
  CollectiveError,
  joinCollective,
  type Collective,
  type CollectiveOptions,
} from './collective/collective.js';
export { freePort } from './collective/free-port.js';
export type { CollectiveMember } from './collective/server-def.js';
export { compile } from './compile/compile.js';
export type { CompileOptions, CompiledShape } from './compile/compile-options.js';
export type { CompiledFunction } from './compile/compiled-function.js';
export { opScope } from './compile/op-scope.js';
export { recordingForXla, type TensorFunction } from './compile/record.js';
export { engineConfig, type EngineConfig } from './config.js';
export { copyOut } from './copy-out.js';
export { copyOutInBackground, type BackgroundCopy } from './copy-out-in-background.js';
export { listDevices, type Device } from './devices.js';
export { dropTape } from './drop-tape.js';
export type { DType } from './dtypes.js';
export {
  callFunction,
  defineFunction,
  hasFunction,
  registerFunction,
  removeFunction,
  type FunctionDefinition,
  type FunctionNode,
  type Reference,
} from './functions.js';
export { addressOf } from './host-array.js';
export { hasKernels, hasProductKernel, kernelInstructionSet, type KernelInstructionSet } from './kernels.js';
export { memory, type MemoryFigures } from './memory.js';
export { moveToTensor } from './move-to-tensor.js';
export { ownBuffers } from './own-buffers.js';
export { exclusiveTimes, idleStretches, type Stretch } from './profile/exclusive-times.js';
export type { OpTiming } from './profile/op-timing.js';
export { perfettoTrace, type Trace, type TraceEvent } from './profile/perfetto-trace.js';
export { profileOps, startProfile, stopProfile } from './profile/profile-ops.js';
export { marksOfNames, stageOf, stageTimes, type StageMark, type StageTime } from './profile/stages.js';
export { summariseOps, type OpSummary } from './profile/summarise-ops.js';
export { rawOp } from './raw-op.js';
export { NonFiniteValueError, readTensor, type TensorRange } from './read-tensor.js';
export { startEngine, type EngineInfo, type EngineOptions } from './start-engine.js';
export { tf } from './tf.js';
export { freeMemory } from './free-memory.js';
export { isOutOfMemory } from './out-of-memory.js';
