import { dropTape } from '../drop-tape.js';
import { dtypeNumbers } from '../dtypes.js';
import type { FunctionNode, Reference } from '../functions.js';
import { type TensorflowBackend, tensorflowBackend } from '../raw-op.js';
import { tf } from '../tf.js';
import { type RecordedOp, Recording, RecordingError } from './recording.js';

/** A function of tensors that can be compiled: only tfjs ops, autograd and `rawOp` in it, and no promise. */
export type TensorFunction = (inputs: readonly tf.Tensor[]) => tf.Tensor[];

/** What a run of a function asked for, and its outputs. */
export interface Recorded {
  references: Reference[];
  constants: FunctionNode[];
  ops: RecordedOp[];
}

/** The id of what TensorFlow does not have: tfjs's backend does nothing to free it. */
const NO_VALUE = -1;

/** Kernels of tfjs that read numbers only to check that they are indices; TensorFlow's own kernel checks it again. */
const readToCheck = new Set(['GatherV2']);

let active: { xla: boolean } | undefined;

/** Whether a function is being recorded now. */
export function isRecording(): boolean {
  return active !== undefined;
}

/** True while a function is being recorded for XLA, which has no kernels for ops of our own. */
export function recordingForXla(): boolean {
  return active?.xla ?? false;
}

/**
 * Runs `fn` and records the ops that it asks tfjs's backend to execute. None is executed: the tensors in between have a
 * type and a shape, and no value. An error of `fn` passes through, and leaves nothing behind; what cannot be recorded is
 * a RecordingError.
 */
export function record(fn: TensorFunction, inputs: readonly tf.Tensor[], xla: boolean): Recorded {
  const recording = new Recording(inputs);
  const references: Reference[] = [];
  try {
    tf.tidy(() => {
      const restore = installHooks(recording, inputs);
      active = { xla };
      try {
        const results = runFunction(fn, inputs);
        if (recording.fault !== undefined) throw recording.fault;
        references.push(...results.map((result, i) => recording.reference(result, `output ${i}`)));
      } catch (error) {
        dropTape();
        throw error;
      } finally {
        active = undefined;
        restore();
      }
    });
    requireNoneKept(recording);
    return { references, constants: recording.constants.nodes, ops: recording.ops };
  } finally {
    recording.close();
  }
}

/** Throws where a tensor of the function outlives it. */
function requireNoneKept(recording: Recording): void {
  const backend = tensorflowBackend();
  const kept = recording.outputs().find((dataId) => backend.refCount(dataId) > 0);
  if (kept !== undefined)
    recording.fail(`the function keeps ${recording.describe(kept)}, which has a value only as its output`);
}

/** Runs `fn`, and throws where it does not give tensors. */
export function runFunction(fn: TensorFunction, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const results: unknown = fn(inputs);
  if (results instanceof Promise) {
    // Whatever becomes of it, the error below is the one to be seen.
    results.catch(() => undefined);
    throw new RecordingError('a compiled function must not be async: its ops have to run within the call');
  }
  if (!Array.isArray(results) || !results.every((result) => result instanceof tf.Tensor))
    throw new RecordingError('a compiled function returns an array of tensors');
  return results as tf.Tensor[];
}

/** Routes what the backend does to the recording; the function returned undoes it. */
function installHooks(recording: Recording, inputs: readonly tf.Tensor[]): () => void {
  const backend = tensorflowBackend();
  const { move, readSync } = backend;
  const engine = tf.engine();
  const runKernel = engine.runKernel.bind(engine);
  const kernels: string[] = [];

  const describeOp: TensorflowBackend['executeMultipleOutputs'] = (name, attributes, tensors, count) => {
    const outputs = recording.addOp(name, attributes, tensors, ({ dtype, shape }) =>
      backend.createOutputTensor({ id: NO_VALUE, shape, dtype: dtypeNumbers[dtype] }),
    );
    if (outputs.length > count) recording.fail(`${name} gives ${outputs.length} tensors, not ${count}`);
    return outputs;
  };
  const undo = [
    replace(backend, 'executeMultipleOutputs', describeOp),
    replace(backend, 'executeSingleOutput', (name, attributes, tensors) => {
      const [output] = describeOp(name, attributes, tensors, 1);
      return output ?? recording.fail(`${name} gives no tensor`);
    }),
    replace(backend, 'move', (dataId, values, shape, dtype, count) => {
      move.call(backend, dataId, values, shape, dtype, count);
      recording.addConstant(dataId, values, shape, dtype);
    }),
    replace(backend, 'readSync', (dataId) => {
      if (recording.isConstant(dataId)) return readSync.call(backend, dataId);
      const kernel = kernels.at(-1);
      // Indices of which nothing is known but how many they are: zeros pass the check.
      if (kernel !== undefined && readToCheck.has(kernel))
        return new Int32Array(tf.util.sizeFromShape(backend.tensorMap.get(dataId).shape));
      const reader = kernel === undefined ? 'JavaScript' : `tfjs's kernel ${kernel}`;
      return recording.fail(
        `${reader} reads ${recording.describe(dataId)} within the function, which cannot be recorded: its value differs from call to call`,
      );
    }),
    replace(tf.Variable.prototype, 'assign', function (this: tf.Variable) {
      const index = inputs.indexOf(this);
      const what = index === -1 ? `the variable ${this.name}` : `its input ${index}`;
      recording.fail(`the function assigns to ${what}: return the new value, and assign that`);
    }),
    replace(engine, 'runKernel', (name, inputs, attributes) => {
      kernels.push(name);
      try {
        return runKernel(name, inputs, attributes);
      } finally {
        kernels.pop();
      }
    }),
    replace(Math, 'random', () =>
      recording.fail(
        'the function draws random numbers in JavaScript, which would be the same in every call: give a seed, pass them as an input, or use a stateless random op',
      ),
    ),
  ];
  return () => undo.forEach((restore) => restore());
}

/** Puts a method in the place of an object's own or inherited one; the function returned puts it back. */
function replace<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  method: Target[Name],
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value: method, configurable: true, writable: true });
  return () => {
    if (own === undefined) delete target[name];
    else Object.defineProperty(target, name, own);
  };
}
