import type { Reference } from '../functions.js';
import { dropTape } from '../drop-tape.js';
import { tensorflowBackend } from '../raw-op.js';
import { tf } from '../tf.js';
import { type DataId, Recording, RecordingError } from './recording.js';

/** A function of tensors that can be compiled: only tfjs ops, autograd and `rawOp` in it, and no promise. */
export type TensorFunction = (inputs: readonly tf.Tensor[]) => tf.Tensor[];

/** A run of a function: its outputs, and how they came about. */
export interface Recorded {
  outputs: tf.Tensor[];
  references: Reference[];
  recording: Recording;
}

/** Kernels of tfjs that read a tensor only to check it; TensorFlow's own kernel checks it again. */
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
 * Runs `fn` and records the ops that tfjs's backend executes for it. The outputs are new tensors, owned by the
 * surrounding `tf.tidy`. An error of `fn` passes through, and leaves nothing behind; what cannot be recorded is a
 * RecordingError.
 */
export function record(fn: TensorFunction, inputs: readonly tf.Tensor[], xla: boolean): Recorded {
  const recording = new Recording(inputs);
  const dataIds = inputs.map(({ dataId }) => dataId);
  const references: Reference[] = [];
  const outputs = tf.tidy(() => {
    const restore = installHooks(recording);
    active = { xla };
    try {
      const results = runFunction(fn, inputs);
      if (recording.fault !== undefined) throw recording.fault;
      inputs.forEach(({ dataId }, index) => {
        if (dataId !== dataIds[index])
          recording.fail(`the function assigns to its input ${index}: return the new value, and assign that`);
      });
      references.push(...results.map((result, i) => recording.reference(result, `output ${i}`)));
      // New tensors, though one may be an input, or stand there twice.
      return results.map((result) => tf.clone(result));
    } catch (error) {
      dropTape();
      throw error;
    } finally {
      active = undefined;
      restore();
    }
  });
  return { outputs, references, recording };
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
function installHooks(recording: Recording): () => void {
  const backend = tensorflowBackend();
  const { executeSingleOutput, executeMultipleOutputs, move, readSync } = backend;
  const engine = tf.engine();
  const runKernel = engine.runKernel.bind(engine);
  const kernels: string[] = [];

  const checkRead = (dataId: DataId) => {
    const kernel = kernels.at(-1);
    if (recording.isConstant(dataId) || (kernel !== undefined && readToCheck.has(kernel))) return;
    const reader = kernel === undefined ? 'JavaScript' : `tfjs's kernel ${kernel}`;
    recording.fail(
      `${reader} reads ${recording.describe(dataId)} within the function, which cannot be recorded: its value differs from call to call`,
    );
  };
  const undo = [
    replace(backend, 'executeSingleOutput', (name, attributes, inputs) => {
      const references = recording.inputsOf(name, inputs);
      const output = executeSingleOutput.call(backend, name, attributes, inputs);
      recording.addOp(name, attributes, references, [output]);
      return output;
    }),
    replace(backend, 'executeMultipleOutputs', (name, attributes, inputs, count) => {
      const references = recording.inputsOf(name, inputs);
      const outputs = executeMultipleOutputs.call(backend, name, attributes, inputs, count);
      recording.addOp(name, attributes, references, outputs);
      return outputs;
    }),
    replace(backend, 'move', (dataId, values, shape, dtype, count) => {
      move.call(backend, dataId, values, shape, dtype, count);
      recording.addConstant(dataId, values, shape, dtype);
    }),
    replace(backend, 'readSync', (dataId) => {
      checkRead(dataId);
      return readSync.call(backend, dataId);
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
