import type { NodeAttributes } from '../attributes.js';

type Shape = readonly number[];

/** The shapes of an op's outputs; its inputs come flat, those of a list argument one after the other. */
type OutputShapes = (inputs: readonly Shape[], attributes: NodeAttributes) => readonly Shape[];

/**
 * The ops of our own that give tensors (native/). TensorFlow's C API shows an op's shape function no attributes but types,
 * so shapes are told here.
 */
const outputShapes: Readonly<Record<string, OutputShapes>> = {
  CaptrainActivation: ([x]) => [x!],
  CaptrainActivationGrad: ([dy]) => [dy!],
  CaptrainAddRows: ([table]) => [table!],
  CaptrainAttention: ([first], attributes) => {
    const [rows, columns] = first!;
    const width = columns! / (integer(attributes, 'N') === 1 ? 3 : 1);
    return [
      [rows!, width],
      [integer(attributes, 'heads'), rows!],
    ];
  },
  CaptrainAttentionGrad: ([, ...others], attributes) => others.slice(0, integer(attributes, 'N')),
  CaptrainCrossEntropy: ([logits]) => [[logits![0]!], logits!],
  CaptrainDropout: ([x]) => [x!],
  CaptrainLayerNorm: ([x]) => [x!, [rowsOf(x!)], [rowsOf(x!)]],
  CaptrainLayerNormGainGrad: ([, x]) => [[columnsOf(x!)]],
  CaptrainLayerNormGrad: ([, x]) => [x!],
  CaptrainMatMul: ([a, b], { transpose_a, transpose_b }) => [
    [a![transpose_a === true ? 1 : 0]!, b![transpose_b === true ? 0 : 1]!],
  ],
  CaptrainReadTensor: (_, { shape }) => [(shape as { ints: Shape }).ints],
  CaptrainRowSum: ([x]) => [[columnsOf(x!)]],
};

/**
 * The shapes of the outputs of an op of our own; none for other ops. Throws where no such op takes these inputs, as far
 * as shapes need it: the kernel checks everything.
 */
export function ownOpShapes(
  op: string,
  inputs: readonly Shape[],
  attributes: NodeAttributes,
): readonly Shape[] {
  const shapesOf = Object.hasOwn(outputShapes, op) ? outputShapes[op] : undefined;
  const shapes = shapesOf?.(inputs, attributes) ?? [];
  if (!shapes.flat().every((size) => Number.isInteger(size)))
    throw new Error(`${op} takes no tensors ${inputs.map((shape) => `[${shape.join(', ')}]`).join(', ')}`);
  return shapes;
}

/** All dimensions but the last, as rows. */
const rowsOf = (shape: Shape) => shape.slice(0, -1).reduce((product, size) => product * size, 1);

const columnsOf = (shape: Shape) => shape.at(-1) ?? 1;

function integer(attributes: NodeAttributes, name: string): number {
  return (attributes[name] as { int: number }).int;
}
