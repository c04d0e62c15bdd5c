import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Attributes, compile, hasKernels, hasProductKernel, rawOp, startEngine, tf } from '../index.js';
import { engineAddon } from '../start-engine.js';
import { ownOpShapes } from './own-op-shapes.js';
import { fieldsOf, textOf } from './wire-format.js';

const folder = mkdtempSync(path.join(tmpdir(), 'own-op-shapes-'));
const file = path.join(folder, 'values');

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  writeFileSync(file, new Float32Array(6));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Example {
  inputs?: (number[] | 'segments' | 'seed' | 'rows')[];
  attributes?: Attributes;
  outputs?: number;
}

const attention = (N: number): Attributes => ({
  N: { int: N },
  heads: { int: 2 },
  scale: { float: 1 },
  causal: true,
  rate: { float: 0 },
});
const gelu: Attributes = { kind: { string: 'gelu' } };
const X = [2, 3, 4];

/** Inputs by their shapes: values are ones but for integers, which are named. */
const examples: Record<string, Example[]> = {
  CaptrainActivation: [{ inputs: [X], attributes: gelu }],
  CaptrainActivationGrad: [{ inputs: [X, X], attributes: gelu }],
  CaptrainAddRows: [{ inputs: [[5, 4], 'rows', [3, 4]] }],
  CaptrainAttention: [
    { inputs: [[5, 24], 'segments', 'seed'], attributes: attention(1), outputs: 2 },
    { inputs: [[5, 8], [5, 16], 'segments', 'seed'], attributes: attention(2), outputs: 2 },
  ],
  CaptrainAttentionGrad: [
    { inputs: [[5, 8], [5, 24], 'segments', 'seed', [2, 5]], attributes: attention(1) },
    { inputs: [[5, 8], [5, 8], [5, 16], 'segments', 'seed', [2, 5]], attributes: attention(2), outputs: 2 },
  ],
  CaptrainCrossEntropy: [{ inputs: [[3, 7], 'rows', 'rows'], outputs: 2 }],
  CaptrainDropout: [{ inputs: [X, 'seed'], attributes: { rate: { float: 0.5 }, scale: { float: 2 } } }],
  CaptrainLayerNorm: [{ inputs: [X, [4], [4]], attributes: { epsilon: { float: 1e-5 } }, outputs: 3 }],
  CaptrainLayerNormGainGrad: [{ inputs: [X, X, [6], [6]] }],
  CaptrainLayerNormGrad: [{ inputs: [X, X, [4], [6], [6]] }],
  CaptrainMatMul: [false, true].flatMap((transpose_a) =>
    [false, true].map((transpose_b) => ({
      inputs: [transpose_a ? [3, 2] : [2, 3], transpose_b ? [5, 3] : [3, 5], [5]],
      attributes: { precision: { string: 'float32' }, transpose_a, transpose_b, B: { int: 1 } },
    })),
  ),
  CaptrainReadTensor: [
    {
      attributes: {
        path: { string: file },
        offset: { int: 0 },
        source: 'float32',
        shape: { ints: [2, 3] },
      },
    },
  ],
  CaptrainRowSum: [{ inputs: [X] }],
};

const integers = { segments: [[0, 5, -1]], seed: [1, 2], rows: [0, 1, 2] };

/** Where the processor has too little for a kernel, nothing calls it. */
const runsHere = (op: string) => (op === 'CaptrainMatMul' ? hasProductKernel('float32') : hasKernels());

const tensorOf = (input: NonNullable<Example['inputs']>[number]) =>
  typeof input === 'string' ? tf.tensor(integers[input], undefined, 'int32') : tf.ones(input);

describe('the shapes of an op of our own', () => {
  test('are told for each that gives tensors', () => {
    const ops = [...fieldsOf(engineAddon().opList())].map(({ value }) => [...fieldsOf(value as Uint8Array)]);
    const giving = ops.filter((fields) => fields.some(({ number }) => number === 3));
    const names = giving.map((fields) => textOf(fields[0]!.value));
    const here = Object.keys(examples).filter(runsHere);
    expect(here.sort()).toEqual(names.filter((name) => name.startsWith('Captrain')).sort());
  });

  test.each(Object.entries(examples).flatMap(([op, each]) => each.map((example) => [op, example] as const)))(
    'are those that it gives: %s %o',
    (op, { inputs = [], attributes = {}, outputs = 1 }) => {
      if (!runsHere(op)) return;
      const call = () => rawOp(op, inputs.map(tensorOf), attributes, outputs);
      const shapesOf = (tensors: readonly tf.Tensor[]) => tensors.map(({ shape }) => shape);
      let recorded: number[][] = [];
      const f = compile(
        () => {
          const results = call();
          recorded = shapesOf(results);
          return results;
        },
        { name: 'f' },
      );
      const found = shapesOf(f.call([]));
      f.close();
      expect([recorded, found]).toEqual([shapesOf(call()), recorded]);
    },
  );

  test('are none for other ops, and an error where there can be none', () => {
    expect(ownOpShapes('MatMul', [[2, 3]], {})).toEqual([]);
    expect(() => ownOpShapes('CaptrainMatMul', [[2], [2, 3]], { transpose_a: true })).toThrow(
      'CaptrainMatMul takes no tensors [2], [2, 3]',
    );
  });
});
