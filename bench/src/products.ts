import {
  callFunction,
  defineFunction,
  hasProductKernel,
  rawOp,
  requireBfloat16,
  startEngine,
  tf,
} from '@captrain/engine';
import { engineConfig } from '@captrain/engine/config';
import type { Precision } from '@captrain/model';
import { colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';

/** GPT-2 small's products: rows, depth, columns, of 576 positions, and of 496 in front of the vocabulary. */
const shapes = [
  { name: 'up', size: [576, 768, 3072], transposed: '' },
  { name: 'down', size: [576, 3072, 768], transposed: '' },
  { name: 'qkv', size: [576, 768, 2304], transposed: '' },
  { name: 'up, dx', size: [576, 3072, 768], transposed: 'b' },
  { name: 'down, dx', size: [576, 768, 3072], transposed: 'b' },
  { name: 'qkv, dx', size: [576, 2304, 768], transposed: 'b' },
  { name: 'up, dw', size: [768, 576, 3072], transposed: 'a' },
  { name: 'down, dw', size: [3072, 576, 768], transposed: 'a' },
  { name: 'qkv, dw', size: [768, 576, 2304], transposed: 'a' },
  { name: 'head', size: [496, 768, 50257], transposed: 'b' },
  { name: 'head, dx', size: [496, 50257, 768], transposed: '' },
  { name: 'head, dw', size: [50257, 496, 768], transposed: 'a' },
] as const;

type Multiply = (a: tf.Tensor, b: tf.Tensor, transposed: string) => tf.Tensor;

const attributes = (transposed: string) => ({
  transpose_a: transposed === 'a',
  transpose_b: transposed === 'b',
});

const float32: Multiply = (a, b, transposed) => rawOp('MatMul', [a, b], attributes(transposed))[0]!;
const kernel =
  (precision: Precision): Multiply =>
  (a, b, transposed) =>
    rawOp('CaptrainMatMul', [a, b], { precision: { string: precision }, ...attributes(transposed) })[0]!;
const casts: Multiply = (a, b, transposed) => callFunction(`bench_casts_${transposed}`, [a, b], 1)[0]!;

/** TensorFlow's product in bfloat16 between casts, for each transposition. */
function defineCasts(): void {
  const cast = (name: string, input: number | string, DstT: 'bfloat16' | 'float32') => ({
    name,
    op: 'Cast',
    inputs: [input],
    attributes: { DstT },
  });
  for (const transposed of ['', 'a', 'b'])
    defineFunction({
      name: `bench_casts_${transposed}`,
      inputs: ['float32', 'float32'],
      nodes: [
        cast('a', 0, 'bfloat16'),
        cast('b', 1, 'bfloat16'),
        { name: 'product', op: 'MatMul', inputs: ['a', 'b'], attributes: attributes(transposed) },
        cast('wide', 'product', 'float32'),
      ],
      outputs: ['wide'],
    });
}

/** GFLOP/s of each way: the fastest of some calls, in turns, because other programs only ever slow one down. */
function rates(shape: (typeof shapes)[number], ways: Record<string, Multiply>, repetitions: number) {
  const [rows, depth, columns] = shape.size;
  const a = tf.randomNormal(shape.transposed === 'a' ? [depth, rows] : [rows, depth]);
  const b = tf.randomNormal(shape.transposed === 'b' ? [columns, depth] : [depth, columns]);
  const fastest: Record<string, number> = {};
  for (let repetition = 0; repetition < repetitions; repetition++)
    for (const [way, multiply] of Object.entries(ways)) {
      const start = performance.now();
      const product = multiply(a, b, shape.transposed);
      const rate = (2 * rows * depth * columns) / (performance.now() - start) / 1e6;
      product.dispose();
      fastest[way] = Math.max(fastest[way] ?? 0, rate);
    }
  tf.dispose([a, b]);
  return fastest;
}

export const products = defineCommand({
  name: 'products',
  summary: "GFLOP/s of GPT-2 small's matrix products, by TensorFlow and by the engine's own kernel",
  examples: ['npm run bench -- products', 'npm run bench -- products --repetitions 200 --threads 1'],
  schema: z.strictObject({
    repetitions: z.number().int().min(1).default(20).describe('calls; the fastest counts'),
    ...engineConfig.shape,
  }),
  run: async ({ repetitions, ...engine }, { signal }) => {
    await startEngine(engine);
    requireBfloat16();
    defineCasts();
    const ways = {
      float32,
      ...(hasProductKernel('float32') && { 'kernel, float32': kernel('float32') }),
      casts,
      ...(hasProductKernel('bfloat16') && { 'kernel, bfloat16': kernel('bfloat16') }),
    };
    const rows = shapes.map((shape) => {
      signal.throwIfAborted();
      return { ...shape, ...rates(shape, ways, repetitions) } as typeof shape & Record<string, unknown>;
    });
    const head = ['product', 'rows × depth × columns', ...Object.keys(ways)];
    const cells = rows.map((row) => [
      row.name,
      row.size.join(' × '),
      ...Object.keys(ways).map((way) => Number(row[way]).toFixed(0)),
    ]);
    console.log(formatTable([head.map(colors.bold), ...cells], `ll${'r'.repeat(Object.keys(ways).length)}`));
    console.log(
      "GFLOP/s; float32, casts: TensorFlow's MatMul, the latter in bfloat16 between casts; kernel: CaptrainMatMul",
    );
    console.log(JSON.stringify({ bench: 'products', rows }));
  },
});
