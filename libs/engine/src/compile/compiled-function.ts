import { type DType, dtypeOfNumber } from '../dtypes.js';
import {
  type FunctionNode,
  type Reference,
  callFunction,
  defineFunction,
  removeFunction,
} from '../functions.js';
import { tensorflowBackend } from '../raw-op.js';
import { tf } from '../tf.js';
import type { CompileOptions, CompiledShape } from './compile-options.js';
import { firstDifference } from './first-difference.js';
import { type LiveNodes, liveNodes } from './live-nodes.js';
import { type TensorFunction, isRecording, record, runFunction } from './record.js';
import { RecordingError } from './recording.js';
import { requireXlaKernels } from './require-xla-kernels.js';

/** One set of shapes, as it was recorded. */
interface Entry extends LiveNodes {
  functionName: string;
  outputs: Reference[];
  report: CompiledShape;
  /** Whether a second recording is still to be compared with this one. */
  unverified: boolean;
}

const DEFAULT_LIMIT = 64;

/** Functions are named once in a process, whatever became of earlier ones. */
let functionsNamed = 0;

/** Made by `compile`. `close()` removes the TensorFlow functions; it cannot be called after that. */
export class CompiledFunction {
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(
    readonly fn: TensorFunction,
    readonly options: CompileOptions,
  ) {
    if (!/^\w+$/.test(options.name))
      throw new Error(`a compiled function is named by letters, digits and _, not ${options.name}`);
  }

  /**
   * What `fn(inputs)` gives, as new tensors that belong to the surrounding `tf.tidy`. Within the recording of another
   * compiled function it simply is `fn`, and becomes a part of that one. It has no gradient of its own: take gradients
   * within `fn`.
   *
   * What cannot be recorded is an error that begins with this function's name; errors of `fn` are thrown as they are.
   */
  call(inputs: readonly tf.Tensor[]): tf.Tensor[] {
    if (this.#closed) throw this.#error('it is closed');
    if (isRecording()) return runFunction(this.fn, inputs).map((result) => tf.clone(result));
    if (tapeIsOn()) throw this.#error('it has no gradient: take gradients within the function');
    const key = signatureOf(inputs);
    const entry = this.#entries.get(key);
    if (entry === undefined) return this.#firstCall(key, inputs);
    // Moves it to the end.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.report.calls += 1;
    if (entry.unverified) return this.#verifyingCall(entry, inputs);
    return callFunction(entry.functionName, inputs, entry.outputs.length);
  }

  /** One entry for each set of shapes, least recently used first. */
  report(): CompiledShape[] {
    return [...this.#entries.values()].map(({ report }) => ({ ...report }));
  }

  close(): void {
    for (const { functionName } of this.#entries.values()) removeFunction(functionName);
    this.#entries.clear();
    this.#closed = true;
  }

  #firstCall(key: string, inputs: readonly tf.Tensor[]): tf.Tensor[] {
    const start = performance.now();
    const { outputs, ...recorded } = this.#record(inputs);
    try {
      const functionName = `${this.options.name}_${functionsNamed++}`;
      const entry = this.#define(functionName, inputs, recorded);
      entry.report.recordSeconds = (performance.now() - start) / 1000;
      this.#entries.set(key, entry);
      this.#removeOldest();
      return this.#settle(entry, inputs, outputs);
    } catch (error) {
      tf.dispose(outputs);
      throw this.#error((error as Error).message, error);
    }
  }

  /**
   * What a call gives that was recorded: what later calls would give. TensorFlow fuses ops in a function, which rounds
   * otherwise, and no result may depend on how many calls came before. Effects have happened, though: then the outputs
   * are those that came with them.
   */
  #settle(entry: Entry, inputs: readonly tf.Tensor[], outputs: tf.Tensor[]): tf.Tensor[] {
    if (entry.effects.length > 0) return outputs;
    tf.dispose(outputs);
    return callFunction(entry.functionName, inputs, entry.outputs.length);
  }

  #define(functionName: string, inputs: readonly tf.Tensor[], recorded: Omit<RunOnce, 'outputs'>): Entry {
    const { nodes, effects, references } = recorded;
    const xla = this.options.xla ?? false;
    if (xla) requireXlaKernels(nodes);
    const described = inputs.map(describe);
    const types = described.map(({ dtype }) => dtype);
    defineFunction({ name: functionName, inputs: types, nodes, outputs: references, effects, xla });
    const constants = nodes.filter((node) => bytesOfConstant(node) !== undefined);
    return {
      functionName,
      // Constants' values are kept for the comparison only.
      nodes: this.options.verify ? nodes : [],
      effects,
      outputs: references,
      unverified: this.options.verify ?? false,
      report: {
        inputs: described,
        nodes: nodes.length,
        constants: constants.length,
        constantBytes: constants.reduce((sum, node) => sum + bytesOfConstant(node)!, 0),
        recordSeconds: 0,
        calls: 1,
      },
    };
  }

  #verifyingCall(entry: Entry, inputs: readonly tf.Tensor[]): tf.Tensor[] {
    const { outputs, nodes, references } = this.#record(inputs);
    const difference = firstDifference(entry, { nodes, outputs: references });
    if (difference !== undefined) {
      tf.dispose(outputs);
      throw this.#error(`two calls with the same shapes did different things: ${difference}`);
    }
    Object.assign(entry, { unverified: false, nodes: [] });
    return this.#settle(entry, inputs, outputs);
  }

  #record(inputs: readonly tf.Tensor[]): RunOnce {
    try {
      const { outputs, references, recording } = record(this.fn, inputs, this.options.xla ?? false);
      return { outputs, references, ...liveNodes(recording.constants.nodes, recording.ops, references) };
    } catch (error) {
      throw error instanceof RecordingError ? this.#error(error.message, error) : error;
    }
  }

  #removeOldest(): void {
    if (this.#entries.size <= (this.options.limit ?? DEFAULT_LIMIT)) return;
    const [key, { functionName }] = this.#entries.entries().next().value!;
    removeFunction(functionName);
    this.#entries.delete(key);
  }

  #error(message: string, cause?: unknown): Error {
    return new Error(`compiled function ${this.options.name}: ${message}`, { cause });
  }
}

interface RunOnce extends LiveNodes {
  outputs: tf.Tensor[];
  references: Reference[];
}

/** Types, shapes, and which inputs are the same tensor: a recording cannot tell those apart. */
function signatureOf(inputs: readonly tf.Tensor[]): string {
  const first = new Map(inputs.map(({ dataId }, index) => [dataId, index] as const).reverse());
  return inputs
    .map((input, index) => {
      const { dtype, shape } = describe(input);
      const same = first.get(input.dataId)!;
      return `${dtype}[${shape.join()}]${same === index ? '' : `=${same}`}`;
    })
    .join(' ');
}

/** As TensorFlow has the tensor: tfjs calls some of its types by other names. */
function describe({ dataId }: tf.Tensor): { dtype: DType; shape: readonly number[] } {
  const { dtype, shape } = tensorflowBackend().tensorMap.get(dataId);
  return { dtype: dtypeOfNumber(dtype), shape };
}

/** Bytes of a constant's values; undefined for other nodes. */
function bytesOfConstant({ op, attributes }: FunctionNode): number | undefined {
  const value = attributes?.['value'];
  if (op !== 'Const' || typeof value !== 'object' || !('tensor' in value)) return undefined;
  return value.tensor.data.byteLength;
}

/** Whether tfjs takes notes for a gradient at this moment. */
function tapeIsOn(): boolean {
  const { gradientDepth, kernelDepth } = tf.engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
}
