import type { FunctionNode, Reference } from '../functions.js';
import type { RecordedOp } from './recording.js';

/** The nodes of a function, and those of them that run for their effects. */
export interface LiveNodes {
  nodes: FunctionNode[];
  effects: string[];
}

/**
 * The nodes that outputs or effects need. Ops run one after another, as they were recorded: that is the order in which
 * tensors are made and let go of soonest, and in which an op that writes into its inputs finds them as they were. Left to
 * itself TensorFlow runs whatever it can, and what it could do last comes last: all weights' gradients, for which the
 * values of all layers stay in memory until then; two at a time, each with half of the caches.
 */
export function liveNodes(
  constants: readonly FunctionNode[],
  ops: readonly RecordedOp[],
  outputs: readonly Reference[],
): LiveNodes {
  const needed = new Set(outputs.map(nodeOf));
  const live = [...ops].reverse().filter((op) => {
    if (!op.isStateful && !needed.has(op.name)) return false;
    for (const input of op.inputs.flat()) needed.add(nodeOf(input));
    return true;
  });
  // A Fill of the constants takes others of them.
  const usedConstants = [...constants].reverse().filter((constant) => {
    if (!needed.has(constant.name)) return false;
    for (const input of constant.inputs.flat()) needed.add(nodeOf(input));
    return true;
  });
  const inOrder = live.reverse();
  return {
    nodes: [...usedConstants.reverse(), ...inTurn(inOrder)],
    effects: inOrder.filter(({ isStateful }) => isStateful).map(({ name }) => name),
  };
}

/** The ops, each after the one before it. */
function inTurn(ops: readonly RecordedOp[]): FunctionNode[] {
  return ops.map(({ name, op, inputs, attributes }, index) => {
    const before = ops[index - 1]?.name;
    return { name, op, inputs, attributes, ...(before !== undefined && { control: [before] }) };
  });
}

/** The node of a reference; an argument has none. */
function nodeOf(reference: Reference): string | undefined {
  return typeof reference === 'number' ? undefined : reference.split(':')[0];
}
