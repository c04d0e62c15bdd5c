import { dtypeNumbers, dtypeOfNumber } from '../dtypes.js';
import {
  type FunctionDefinition,
  type FunctionNode,
  type Reference,
  functionBody,
  toAddonNode,
} from '../functions.js';
import { engineAddon } from '../start-engine.js';
import { ownOpShapes } from './own-op-shapes.js';
import type { TensorType } from './tensor-type.js';

/**
 * Tells the types and shapes of ops' outputs without running them: a TensorFlow graph, in which TensorFlow infers them
 * from those of the inputs and, where these decide (a reshape), from constants' values.
 */
export class ShapeGraph {
  readonly #graph: unknown;
  readonly #types = new Map<Reference, TensorType>();
  /** The outputs of calls of functions: what gives them in the function's body. */
  readonly #calls = new Map<Reference, Reference>();

  constructor(inputs: readonly TensorType[]) {
    this.#graph = engineAddon().openShapeGraph(
      inputs.map(({ dtype, shape }) => ({ dtype: dtypeNumbers[dtype], shape })),
    );
    inputs.forEach((type, index) => this.#types.set(index, type));
  }

  /**
   * Adds a node, and gives the types of its outputs. Throws TensorFlow's message, with the node's name, where the node
   * does not fit its inputs, and an error that names the op where a shape is not known before the op runs.
   */
  add(node: FunctionNode): TensorType[] {
    const body = functionBody(node.op);
    return body === undefined ? this.#addOp(node) : this.#addCall(node, body);
  }

  /** Frees the graph; nothing can be added after that. */
  close(): void {
    engineAddon().closeShapeGraph(this.#graph);
  }

  #addOp({ name, op, inputs, attributes = {} }: FunctionNode): TensorType[] {
    const resolved = mapInputs(inputs, (reference) => this.#resolve(reference));
    const shapes = resolved.flat().map((reference) => this.#types.get(reference)?.shape ?? []);
    const node = toAddonNode({ name, op, inputs: resolved, attributes });
    const outputs = engineAddon().addToShapeGraph(this.#graph, node, ownOpShapes(op, shapes, attributes));
    return outputs.map(({ dtype, shape }, index) => {
      if (shape === undefined || shape.includes(-1))
        throw new Error(`node ${name} (${op}): the shape of output ${index} is known only when it has run`);
      const type = { dtype: dtypeOfNumber(dtype), shape };
      this.#types.set(`${name}:${index}`, type);
      return type;
    });
  }

  /** TensorFlow infers nothing of a call, so the nodes of the function's body are added in its place. */
  #addCall(call: FunctionNode, body: FunctionDefinition): TensorType[] {
    const args = call.inputs.flat();
    if (args.length !== body.inputs.length)
      throw new Error(`${call.op} takes ${body.inputs.length} tensors, not ${args.length}`);
    const within = (reference: Reference) =>
      typeof reference === 'number' ? args[reference]! : `${call.name}/${reference}`;
    for (const node of body.nodes)
      this.add({ ...node, name: `${call.name}/${node.name}`, inputs: mapInputs(node.inputs, within) });
    return body.outputs.map((output, index) => {
      const reference = this.#resolve(within(output));
      this.#calls.set(`${call.name}:${index}`, reference);
      return this.#types.get(reference)!;
    });
  }

  /** The one way in which an output of an op is referred to here. */
  #resolve(reference: Reference): Reference {
    if (typeof reference === 'number') return reference;
    const output = reference.includes(':') ? reference : `${reference}:0`;
    return this.#calls.get(output) ?? output;
  }
}

function mapInputs(
  inputs: FunctionNode['inputs'],
  change: (reference: Reference) => Reference,
): (Reference | Reference[])[] {
  return inputs.map((input) => (typeof input === 'object' ? input.map(change) : change(input)));
}
