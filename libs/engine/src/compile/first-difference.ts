import { isDeepStrictEqual } from 'node:util';
import type { NodeAttribute } from '../attributes.js';
import type { FunctionNode, Reference } from '../functions.js';

/** What two recordings of one function are compared by. A constant's name tells its value. */
export interface Comparable {
  nodes: readonly FunctionNode[];
  outputs: readonly Reference[];
}

/** The first way in which two recordings differ, in words; undefined where they are the same. */
export function firstDifference(one: Comparable, two: Comparable): string | undefined {
  const constants = new Map([...one.nodes, ...two.nodes].filter(isConstant).map((node) => [node.name, node]));
  const show = (reference: unknown) => showReference(reference, constants);
  const [left, right] = [one, two].map(({ nodes }) => nodes.filter((node) => !isConstant(node)));
  for (const [index, a] of left!.entries()) {
    const b = right![index];
    if (a.op !== b?.op) return `op ${index} was ${a.op}, and then ${b?.op ?? 'none'}`;
    const attribute = differingKey(a.attributes ?? {}, b.attributes ?? {});
    if (attribute !== undefined) {
      const [was, is] = [a, b].map(({ attributes }) => JSON.stringify(attributes?.[attribute]));
      return `op ${index} (${a.op}) had the attribute ${attribute} ${was}, and then ${is}`;
    }
    const input = differingKey(a.inputs, b.inputs);
    if (input !== undefined) {
      const [was, is] = [a, b].map(({ inputs }) => show(inputs[Number(input)]));
      return `op ${index} (${a.op}) took ${was} as input ${input}, and then ${is}`;
    }
  }
  const extra = right![left!.length];
  if (extra !== undefined) return `op ${left!.length} was none, and then ${extra.op}`;
  const output = differingKey(one.outputs, two.outputs);
  if (output === undefined) return undefined;
  const [was, is] = [one, two].map(({ outputs }) => show(outputs[Number(output)]));
  return `output ${output} was ${was}, and then ${is}`;
}

const isConstant = ({ op, inputs }: FunctionNode) => op === 'Const' && inputs.length === 0;

function differingKey(one: object, two: object): string | undefined {
  const [a, b] = [one, two] as Record<string, unknown>[];
  return Object.keys({ ...a, ...b }).find((key) => !isDeepStrictEqual(a![key], b![key]));
}

/** A reference in a few words: of a constant, the first of its values. */
function showReference(reference: unknown, constants: ReadonlyMap<string, FunctionNode>): string {
  if (reference === undefined) return 'nothing';
  if (Array.isArray(reference)) return reference.map((item) => showReference(item, constants)).join(' and ');
  if (typeof reference === 'number') return `input ${reference} of the function`;
  const value = constants.get(reference as string)?.attributes?.['value'];
  return value === undefined ? String(reference) : showConstant(value);
}

function showConstant(value: NodeAttribute): string {
  if (typeof value !== 'object' || !('tensor' in value)) return 'a constant';
  const { dtype, shape, data } = value.tensor;
  const bytes = (data as Uint8Array).slice().buffer;
  const values =
    dtype === 'float32'
      ? new Float32Array(bytes)
      : dtype === 'int32'
        ? new Int32Array(bytes)
        : new Uint8Array(bytes);
  const shown = [...values.slice(0, 4)].join(', ') + (values.length > 4 ? ', …' : '');
  return `the constant ${dtype} [${shape.join(', ')}] (${shown})`;
}
