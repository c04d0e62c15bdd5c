import {
  type FunctionNode,
  type Reference,
  callFunction,
  defineOutermost,
  removeFunction,
} from '../functions.js';
import { tf } from '../tf.js';
import type { CompileOptions, CompiledShape } from './compile-options.js';
import { firstDifference } from './first-difference.js';
import { type LiveNodes, liveNodes } from './live-nodes.js';
import { type TensorFunction, isRecording, record, runFunction } from './record.js';
import { RecordingError } from './recording.js';
import { requireXlaKernels } from './require-xla-kernels.js';
import { typeOf } from './tensor-type.js';

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
    const known = this.#entries.get(key);
    const entry = known ?? this.#compile(inputs);
    if (known?.unverified === true) this.#verify(known, inputs);
    // The last to go.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#removeOldest();
    entry.report.calls += 1;
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

  #compile(inputs: readonly tf.Tensor[]): Entry {
    const start = performance.now();
    const recorded = this.#record(inputs);
    try {
      const entry = this.#define(`${this.options.name}_${functionsNamed++}`, inputs, recorded);
      entry.report.recordSeconds = (performance.now() - start) / 1000;
      return entry;
    } catch (error) {
      throw this.#error((error as Error).message, error);
    }
  }

  #define(functionName: string, inputs: readonly tf.Tensor[], recorded: RecordedNodes): Entry {
    const { nodes, effects, references } = recorded;
    const xla = this.options.xla ?? false;
    if (xla) requireXlaKernels(nodes);
    const described = inputs.map(typeOf);
    const types = described.map(({ dtype }) => dtype);
    defineOutermost({ name: functionName, inputs: types, nodes, outputs: references, effects, xla });
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
        calls: 0,
      },
    };
  }

  /** Records once more, and throws where that differs. */
  #verify(entry: Entry, inputs: readonly tf.Tensor[]): void {
    const { nodes, references } = this.#record(inputs);
    const difference = firstDifference(entry, { nodes, outputs: references });
    if (difference !== undefined)
      throw this.#error(`two calls with the same shapes did different things: ${difference}`);
    Object.assign(entry, { unverified: false, nodes: [] });
  }

  #record(inputs: readonly tf.Tensor[]): RecordedNodes {
    try {
      const { references, constants, ops } = record(this.fn, inputs, this.options.xla ?? false);
      return { references, ...liveNodes(constants, ops, references) };
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

interface RecordedNodes extends LiveNodes {
  references: Reference[];
}

/** Types, shapes, and which inputs are the same tensor: a recording cannot tell those apart. */
function signatureOf(inputs: readonly tf.Tensor[]): string {
  const first = new Map(inputs.map(({ dataId }, index) => [dataId, index] as const).reverse());
  return inputs
    .map((input, index) => {
      const { dtype, shape } = typeOf(input);
      const same = first.get(input.dataId)!;
      return `${dtype}[${shape.join()}]${same === index ? '' : `=${same}`}`;
    })
    .join(' ');
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
