import { type NodeAttributes, toAddonAttributes } from './attributes.js';
import { type DType, dtypeNumbers } from './dtypes.js';
import { rawOp } from './raw-op.js';
import { engineAddon } from './start-engine.js';
import type { tf } from './tf.js';

/** Where a value comes from: the function's argument of that number, or output `index` of a node (`"node:index"`, `"node"`). */
export type Reference = number | string;

/** One op of a function. */
export interface FunctionNode {
  /** Unique in the function; letters, digits and `_./-`. */
  name: string;
  /** Name of a TensorFlow op, or of a function that `defineFunction` made before. */
  op: string;
  /** In the op's order; a list where the op's argument is a list (`ConcatV2`, `Pack`, `AddN`). Earlier nodes only. */
  inputs: readonly (Reference | readonly Reference[])[];
  /** Attributes without a default that TensorFlow cannot infer from the inputs. */
  attributes?: NodeAttributes;
  /** Names of earlier nodes that run before this one, whether or not it takes their outputs. */
  control?: readonly string[];
  /** Where it runs, as TensorFlow names it (`/device:CPU:0`, `/device:GPU:0`), for what must sit elsewhere than the rest. */
  device?: string;
}

export interface FunctionDefinition {
  /** Unique in this process. */
  name: string;
  /** Element types of the arguments. */
  inputs: readonly DType[];
  /** In an order in which they could run. */
  nodes: readonly FunctionNode[];
  outputs: readonly Reference[];
  /** Names of nodes that run in every call, though no output may need them. */
  effects?: readonly string[];
  /** Compile the whole function by XLA, once for each set of input shapes. Default: false. */
  xla?: boolean;
}

const bodies = new Map<string, FunctionDefinition>();

/**
 * Builds a TensorFlow function of nodes and registers it in tfjs's context: from then on `callFunction` runs it as one
 * op, however many nodes it has. Shapes are free: they are those of the inputs of each call.
 *
 * Throws TensorFlow's message, with the node's name, where a node does not fit.
 */
export function defineFunction(definition: FunctionDefinition): void {
  defineOutermost(definition);
  bodies.set(definition.name, definition);
}

/** The same for a function that no recorded function will call: its definition is not kept. */
export function defineOutermost(definition: FunctionDefinition): void {
  engineAddon().defineFunction({
    name: definition.name,
    inputs: definition.inputs.map((dtype) => dtypeNumbers[dtype]),
    nodes: definition.nodes.map(toAddonNode),
    outputs: definition.outputs,
    effects: definition.effects ?? [],
    xla: definition.xla ?? false,
  });
}

/** How a function of that name was defined; undefined where none was by `defineFunction`. */
export function functionBody(name: string): FunctionDefinition | undefined {
  return bodies.get(name);
}

/** A node as captrain's addon takes it. */
export function toAddonNode({ attributes = {}, control = [], device = '', ...node }: FunctionNode): unknown {
  return { ...node, attributes: toAddonAttributes(attributes), control, device };
}

/** Registers a serialised `tensorflow.FunctionDef` under the name that it carries. Throws where it is not one. */
export function registerFunction(functionDef: Uint8Array): void {
  engineAddon().addFunctionDef(functionDef);
}

/** Calls a registered function; `outputs` is how many tensors it gives. */
export function callFunction(name: string, inputs: readonly tf.Tensor[], outputs: number): tf.Tensor[] {
  return rawOp(name, inputs, {}, outputs);
}

export function hasFunction(name: string): boolean {
  return engineAddon().hasFunction(name);
}

/** Forgets a function. Throws where there is none of that name. */
export function removeFunction(name: string): void {
  engineAddon().removeFunction(name);
  bodies.delete(name);
}
