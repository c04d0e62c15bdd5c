import { callFunction, defineFunction, type FunctionNode, hasFunction } from '../functions.js';
import { engineInfo } from '../start-engine.js';
import { tf } from '../tf.js';
import { devicesOfOp, opDefinition } from './op-definitions.js';

const PROBE = 'captrain_xla_probe';

/** Throws where a node is an op that XLA cannot compile for this device, naming the op. */
export function requireXlaKernels(nodes: readonly FunctionNode[]): void {
  registerXlaKernels();
  const device = engineInfo().device === 'gpu' ? 'XLA_GPU_JIT' : 'XLA_CPU_JIT';
  for (const op of new Set(nodes.map((node) => node.op)))
    if (opDefinition(op) !== undefined && !devicesOfOp(op).has(device))
      throw new Error(`XLA cannot compile the op ${op}: recordingForXla() tells a function to do without it`);
}

/** TensorFlow lists XLA's kernels once it has compiled something. */
function registerXlaKernels(): void {
  if (hasFunction(PROBE)) return;
  const nodes = [{ name: 'y', op: 'Neg', inputs: [0] }];
  defineFunction({ name: PROBE, inputs: ['float32'], nodes, outputs: ['y'], xla: true });
  tf.tidy(() => callFunction(PROBE, [tf.scalar(1)], 1));
}
