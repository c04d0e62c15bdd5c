import type { FunctionNode, Reference } from '../functions.js';
import type { RecordedOp } from './recording.js';

/** The nodes of a function, and those of them that run for their effects. */
export interface LiveNodes {
  nodes: FunctionNode[];
  effects: string[];
}

/**
 * The nodes that outputs or effects need, in the order in which they ran. A stateful op keeps its place: it runs after
 * the stateful op before it and after the earlier ops that take a tensor that it takes too; later ones run after it.
 * For an op may write into its inputs, and nothing tells whether it does.
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
    nodes: [...usedConstants.reverse(), ...ordered(inOrder)],
    effects: inOrder.filter(({ isStateful }) => isStateful).map(({ name }) => name),
  };
}

/** The ops with the control edges that effects need. */
function ordered(ops: readonly RecordedOp[]): FunctionNode[] {
  if (!ops.some(({ isStateful }) => isStateful)) return ops.map((op) => toNode(op, []));
  let lastStateful: string | undefined;
  const touched = new Map<Reference, { stateful: string | undefined; readers: string[] }>();
  return ops.map((op) => {
    const before = new Set<string>();
    if (op.isStateful && lastStateful !== undefined) before.add(lastStateful);
    for (const input of new Set(op.inputs.flat())) {
      const history = touched.get(input) ?? { stateful: undefined, readers: [] };
      touched.set(input, history);
      if (history.stateful !== undefined) before.add(history.stateful);
      if (op.isStateful) {
        for (const reader of history.readers) before.add(reader);
        Object.assign(history, { stateful: op.name, readers: [] });
      } else history.readers.push(op.name);
    }
    if (op.isStateful) lastStateful = op.name;
    return toNode(op, [...before]);
  });
}

function toNode({ name, op, inputs, attributes }: RecordedOp, control: string[]): FunctionNode {
  return { name, op, inputs, attributes, ...(control.length > 0 && { control }) };
}

/** The node of a reference; an argument has none. */
function nodeOf(reference: Reference): string | undefined {
  return typeof reference === 'number' ? undefined : reference.split(':')[0];
}
