import { createHash } from 'node:crypto';
import type { ConstantValue } from '../attributes.js';
import type { FunctionNode } from '../functions.js';

/** A constant of more bytes than this is data: it belongs among the inputs. */
export const MAX_CONSTANT_BYTES = 1 << 20;

/** From this many bytes on, equal values are kept as one value and a shape: `tf.zeros`, `tf.ones`. */
const UNIFORM_BYTES = 256;

/** The constants of one recording. A node's name tells its value: equal constants are one node. */
export class ConstantPool {
  readonly #nodes = new Map<string, FunctionNode>();

  /** `added` is told of every new node. */
  constructor(private readonly added: (node: FunctionNode) => void = () => undefined) {}

  /** Nodes of all constants, in an order in which they could run; they take nothing but each other. */
  get nodes(): FunctionNode[] {
    return [...this.#nodes.values()];
  }

  /** The node that gives this value. Throws where the value is too large. */
  add(value: ConstantValue): string {
    const { dtype, shape, data } = value;
    const name = nameOf(value);
    if (this.#nodes.has(name)) return name;
    const uniform = data.byteLength >= UNIFORM_BYTES ? uniformValue(data) : undefined;
    if (uniform !== undefined) {
      const dims = this.add({ dtype: 'int32', shape: [shape.length], data: Int32Array.from(shape) });
      const one = this.add({ dtype, shape: [], data: uniform });
      return this.#add({ name, op: 'Fill', inputs: [dims, one] });
    }
    if (data.byteLength > MAX_CONSTANT_BYTES)
      throw new Error(
        `a constant ${dtype} [${shape.join(', ')}] has ${data.byteLength} bytes, and at most ${MAX_CONSTANT_BYTES} are kept in a function: pass it as an input`,
      );
    // A copy, because the array is its owner's, who may write into it.
    const tensor = { dtype, shape: [...shape], data: new Uint8Array(bytesOf(data)) };
    return this.#add({ name, op: 'Const', inputs: [], attributes: { dtype, value: { tensor } } });
  }

  #add(node: FunctionNode): string {
    this.#nodes.set(node.name, node);
    this.added(node);
    return node.name;
  }
}

function nameOf({ dtype, shape, data }: ConstantValue): string {
  const hash = createHash('sha256').update(`${dtype}[${shape.join()}]`).update(bytesOf(data));
  return `constant_${hash.digest('hex').slice(0, 24)}`;
}

/** The one element, as an array, where all are the same. */
function uniformValue(data: ArrayBufferView): ArrayBufferView | undefined {
  const values = data as Float32Array;
  const first = values[0];
  return values.every((value) => Object.is(value, first)) ? values.slice(0, 1) : undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
