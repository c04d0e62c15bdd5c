import type { BindingAttribute, ConstantValue, NodeAttributes } from '../attributes.js';
import type { DType } from '../dtypes.js';
import type { FunctionNode, Reference } from '../functions.js';
import type { tf } from '../tf.js';
import { ConstantPool } from './constant-pool.js';
import { groupInputs } from './group-inputs.js';
import { opDefinition } from './op-definitions.js';
import { inOpScope } from './op-scope.js';
import { toNodeAttribute } from './recorded-attributes.js';
import { ShapeGraph } from './shape-graph.js';
import { type TensorType, typeOf } from './tensor-type.js';

/** What tfjs's tensors are known by: tensors of one `dataId` share their values. */
export type DataId = tf.Tensor['dataId'];

/** An op that the function asked for, or a call of a function. */
export interface RecordedOp extends FunctionNode {
  attributes: NodeAttributes;
  /** It may have effects, so it runs in every call, in its turn. */
  isStateful: boolean;
}

/** Where a tensor's values came from. */
type Source =
  | { kind: 'argument'; index: number }
  | { kind: 'output'; op: RecordedOp; output: number }
  | { kind: 'constant'; value: ConstantValue };

/** What cannot be recorded. Errors of the function itself are its own. */
export class RecordingError extends Error {}

/** The ops and constants of one run of a function, as nodes. `close()` ends it. */
export class Recording {
  readonly ops: RecordedOp[] = [];
  readonly constants = new ConstantPool((node) => this.#shapes.add(node));
  /** What went wrong first; kept, because the function may have caught it. */
  fault: Error | undefined;
  readonly #sources = new Map<DataId, Source>();
  readonly #shapes: ShapeGraph;

  constructor(inputs: readonly tf.Tensor[]) {
    this.#shapes = new ShapeGraph(inputs.map(typeOf));
    inputs.forEach(({ dataId }, index) => {
      if (!this.#sources.has(dataId)) this.#sources.set(dataId, { kind: 'argument', index });
    });
  }

  close(): void {
    this.#shapes.close();
  }

  /** Throws, and remembers that. */
  fail(message: string): never {
    this.fault ??= new RecordingError(message);
    throw this.fault;
  }

  /** A tensor that JavaScript made of values. */
  addConstant(dataId: DataId, values: unknown, shape: readonly number[], dtype: string): void {
    this.#sources.set(dataId, {
      kind: 'constant',
      value: { dtype: dtype as DType, shape, data: values as ArrayBufferView },
    });
  }

  /** An op on these inputs: its outputs, each a tensor that `make` makes of its type. */
  addOp(
    op: string,
    attributes: readonly BindingAttribute[],
    inputs: readonly tf.Tensor[],
    make: (type: TensorType) => tf.Tensor,
  ): tf.Tensor[] {
    const references = inputs.map((tensor, index) => this.reference(tensor, `input ${index} of ${op}`));
    const definition = opDefinition(op);
    const attributeOf = (name: string) => attributes.find((attribute) => attribute.name === name)?.value;
    const grouped = this.#guard(op, () =>
      definition === undefined ? references : groupInputs(definition, references, attributeOf),
    );
    const node: RecordedOp = {
      name: inOpScope(`${op.replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9_]/g, '')}_${this.ops.length}`),
      op,
      inputs: grouped,
      attributes: this.#guard(op, () =>
        Object.fromEntries(attributes.map((attribute) => [attribute.name, toNodeAttribute(attribute)])),
      ),
      isStateful: definition?.isStateful ?? true,
    };
    const types = this.#guard(undefined, () => this.#shapes.add(node));
    this.ops.push(node);
    return types.map((type, output) => {
      const tensor = make(type);
      this.#sources.set(tensor.dataId, { kind: 'output', op: node, output });
      return tensor;
    });
  }

  /** The data of all outputs of ops. */
  outputs(): DataId[] {
    return [...this.#sources].filter(([, { kind }]) => kind === 'output').map(([dataId]) => dataId);
  }

  /** The reference to a tensor's values; `role` says what it is there for, should it be an error. */
  reference({ dataId, dtype, shape }: tf.Tensor, role: string): Reference {
    const source = this.#sources.get(dataId);
    if (source === undefined)
      return this.fail(
        `${role} is a tensor ${dtype} [${shape.join(', ')}] that was made outside of the function: pass it as an input`,
      );
    if (source.kind === 'argument') return source.index;
    if (source.kind === 'output') return `${source.op.name}:${source.output}`;
    if (!ArrayBuffer.isView(source.value.data))
      return this.fail(
        `${role} is a constant of type ${dtype}, which cannot be recorded: pass it as an input`,
      );
    return this.#guard(role, () => this.constants.add(source.value));
  }

  /** Whether a tensor's values are the same in every call: only then may JavaScript look at them. */
  isConstant(dataId: DataId): boolean {
    return this.#sources.get(dataId)?.kind === 'constant';
  }

  /** Where a tensor came from, in words. */
  describe(dataId: DataId): string {
    const source = this.#sources.get(dataId);
    if (source === undefined) return 'a tensor made outside of the function';
    if (source.kind === 'constant') return 'a constant';
    if (source.kind === 'argument') return `input ${source.index} of the function`;
    return `output ${source.output} of ${source.op.op}`;
  }

  /** What `work` throws becomes the fault; `what` says of what it speaks, unless it does itself. */
  #guard<Result>(what: string | undefined, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      const { message } = error as Error;
      return this.fail(what === undefined ? message : `${what}: ${message}`);
    }
  }
}
