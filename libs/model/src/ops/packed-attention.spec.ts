import { compile, hasKernels, startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { composedAttention } from './composed-attention.js';
import { type DropoutKey, dropoutSeed } from './dropout.js';
import { type PackedParts, packedAttention } from './packed-attention.js';
import { LAYOUTS, type Layout, plainAttention, seenRows } from './plain-attention.cases.js';
import { expectClose, expectSame, random } from './same-function.cases.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  expect(hasKernels()).toBe(true);
});

const segmentsOf = ({ segments }: { segments: number[][] }) => tf.tensor2d(segments, undefined, 'int32');
const scale = 0.4;
const sizes = [
  { heads: 2, width: 32 },
  { heads: 3, width: 15 },
  { heads: 1, width: 67 },
  { heads: 2, width: 140 },
];

/** Columns of qkv_N(3D) as queries, keys and values. */
const thirds = (qkv: tf.Tensor) => tf.split(qkv, 3, 1).map((part) => part.dataSync());

describe.each(LAYOUTS)('$title', (layout) => {
  const { rows, causal } = layout;

  test.each(sizes)(
    'kernel and composition give what plain loops give: $heads heads, width $width',
    ({ heads, width }) => {
      const qkv = random('qkv', rows, 3 * width);
      const expected = plainAttention(thirds(qkv), { heads, width, scale, seen: seenRows(layout) });
      const [options, segments] = [{ heads, scale, causal }, segmentsOf(layout)];
      const plain = tf.tensor2d(Float32Array.from(expected), [rows, width]);
      expectClose(packedAttention(qkv, segments, options), plain, 2e-6);
      expectClose(composedAttention(qkv, segments, options), plain, 2e-6);
    },
  );

  test.each(sizes)('their gradients agree: $heads heads, width $width', ({ heads, width }) => {
    const [options, segments] = [{ heads, scale, causal }, segmentsOf(layout)];
    expectSame(
      (qkv) => packedAttention(qkv!, segments, options),
      (qkv) => composedAttention(qkv!, segments, options),
      [random('qkv', rows, 3 * width)],
    );
    const parts = (queries?: tf.Tensor, keysValues?: tf.Tensor): PackedParts => ({
      queries: queries!,
      keysValues: keysValues!,
    });
    expectSame(
      (...inputs) => packedAttention(parts(...inputs), segments, options),
      (...inputs) => composedAttention(parts(...inputs), segments, options),
      [random('queries', rows, width), random('keys and values', rows, 2 * width)],
    );
  });

  test('what a row does not see changes nothing, and rows in no segment are zeros', () => {
    const width = 8;
    const [options, segments] = [{ heads: 2, scale, causal }, segmentsOf(layout)];
    const qkv = random('qkv', rows, 3 * width);
    const seen = seenRows(layout);
    const out = packedAttention(qkv, segments, options).arraySync();
    for (const row of [0, rows >> 1, rows - 1]) {
      const others = Array.from({ length: rows }, (_, other) =>
        Number(seen[row]!.includes(other) || other === row),
      );
      const noise = tf.mul(random('noise', rows, 3 * width), tf.expandDims(tf.sub(1, others), 1));
      expect(packedAttention(tf.add(qkv, noise), segments, options).arraySync()[row]).toEqual(out[row]);
      if (seen[row]!.length === 0) expect(out[row]).toEqual(new Array(width).fill(0));
    }
  });
});

/** The gradient of Σ f(values) · weights by central differences. */
function differences(
  f: (values: Float64Array) => Float64Array,
  at: ArrayLike<number>,
  weights: ArrayLike<number>,
) {
  const step = 1e-4;
  const loss = (values: Float64Array) => f(values).reduce((sum, value, i) => sum + value * weights[i]!, 0);
  return Float32Array.from(at, (_, i) => {
    const moved = (by: number) => Float64Array.from(at, (value, j) => (i === j ? value + by : value));
    return (loss(moved(step)) - loss(moved(-step))) / (2 * step);
  });
}

const key: DropoutKey = { seed: 7, step: 3, microbatch: 1 };
const drop = (rate: number, changed: Partial<DropoutKey> = {}, place = 'here') => ({
  rate,
  seed_2: tf.tensor1d(dropoutSeed({ ...key, ...changed }), 'int32'),
  place,
});

/** The weights themselves, [head][row][place]: values that are one of the unit vectors make them the output. */
function weightsOf(layout: Layout, heads: number, dropout: ReturnType<typeof drop>): number[][][] {
  const { rows, causal } = layout;
  const units = tf.tile(tf.eye(rows), [1, heads]);
  const queries = random('q', rows, heads * rows);
  const keysValues = tf.concat([random('k', rows, heads * rows), units], 1);
  const parts = { queries, keysValues };
  const out = packedAttention(parts, segmentsOf(layout), { heads, scale: 0.01, causal, dropout });
  const weights = tf.transpose(tf.reshape(out, [rows, heads, rows]), [1, 0, 2]).arraySync() as number[][][];
  const seen = seenRows(layout);
  return weights.map((head) => head.map((row, index) => seen[index]!.map((key) => row[key]!)));
}

describe('dropout of the weights', () => {
  const wide: Layout = { title: '', rows: 200, causal: true, segments: [[40, 200, 0, 40]] };

  test('drops a share of them, and the others grow so that the mean stays', () => {
    for (const rate of [0.1, 0.5]) {
      const [full, dropped] = [drop(0), drop(rate)].map((dropout) => weightsOf(wide, 2, dropout).flat(2));
      const ratios = dropped!.map((weight, i) => weight / full![i]!);
      const count = ratios.length;
      for (const ratio of ratios.filter((ratio) => ratio !== 0)) expect(ratio).toBeCloseTo(1 / (1 - rate), 4);
      const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / count;
      // Six standard deviations.
      expect(Math.abs(mean - 1)).toBeLessThan(6 * Math.sqrt(rate / (1 - rate) / count));
    }
  });

  test('is a function of key, place, head, row and place of the key, and of nothing else', () => {
    const masks = (dropout: ReturnType<typeof drop>) =>
      weightsOf(wide, 2, dropout).map((head) => head.flat().map((weight) => weight === 0));
    const base = masks(drop(0.5));
    expect(masks(drop(0.5))).toEqual(base);
    const others = [
      drop(0.5, { seed: 8 }),
      drop(0.5, { step: 4 }),
      drop(0.5, { microbatch: 2 }),
      drop(0.5, {}, 'there'),
    ];
    const all = [...base, ...others.flatMap(masks)];
    // The places that all rows see, one row on, and one place on.
    const part = (rowsOn: number, placesOn: number) =>
      weightsOf(wide, 1, drop(0.5))[0]!
        .slice(40 + rowsOn, 190 + rowsOn)
        .flatMap((row) => row.slice(placesOn, placesOn + 39).map((weight) => weight === 0));
    for (const masksOfOneSize of [all, [part(0, 0), part(1, 0), part(0, 1)]])
      for (const [i, mask] of masksOfOneSize.entries())
        for (const other of masksOfOneSize.slice(i + 1)) {
          const equal = mask.filter((dropped, index) => dropped === other[index]).length / mask.length;
          expect(Math.abs(equal - 0.5)).toBeLessThan(3 / Math.sqrt(mask.length));
        }
  });

  test.each(LAYOUTS.filter(({ rows }) => rows < 30))(
    'gradients go through the same weights: $title',
    (layout) => {
      const { rows, causal } = layout;
      const [heads, width] = [2, 6];
      const kept = weightsOf(layout, heads, drop(0.3));
      const options = { heads, width, scale, seen: seenRows(layout) };
      const qkv = random('qkv', rows, 3 * width);
      const weights = random('weights', rows, width);
      const plain = (values: Float64Array) => {
        const part = (index: number) =>
          Float64Array.from({ length: rows * width }, (_, i) => {
            return values[Math.floor(i / width) * 3 * width + index * width + (i % width)]!;
          });
        return plainAttention([part(0), part(1), part(2)], {
          ...options,
          kept: (head, row, place) => (kept[head]![row]![place] === 0 ? 0 : 1 / 0.7),
        });
      };
      const ours = (qkv: tf.Tensor) =>
        packedAttention(qkv, segmentsOf(layout), { heads, scale, causal, dropout: drop(0.3) });
      const out = plain(Float64Array.from(qkv.dataSync()));
      expectClose(ours(qkv), tf.tensor2d(Float32Array.from(out), [rows, width]), 2e-6);
      const gradient = tf.grad((qkv) => tf.sum(tf.mul(ours(qkv), weights)))(qkv);
      const expected = differences(plain, qkv.dataSync(), weights.dataSync());
      expectClose(gradient, tf.tensor2d(expected, [rows, 3 * width]));
    },
  );
});

test('segments that do not fit are errors that name them', () => {
  const attend = (segments: number[][], causal = true) =>
    packedAttention(tf.ones([10, 12]), segmentsOf({ segments }), { heads: 2, scale, causal });
  const refused: [number[][], string][] = [
    [
      [
        [0, 3, 0, 0],
        [2, 5, 0, 0],
      ],
      'segment 1 [2, 5, 0, 0] of 10 rows has rows of another segment',
    ],
    [[[0, 11, 0, 0]], 'segment 0 [0, 11, 0, 0] of 10 rows has no range of rows'],
    [[[-1, 2, 0, 0]], 'segment 0 [-1, 2, 0, 0] of 10 rows has no range of rows'],
    [[[3, 2, 0, 0]], 'has no range of rows'],
    [[[0, 2, 4, 11]], 'segment 0 [0, 2, 4, 11] of 10 rows sees no range of rows'],
    [[[0, 2, 4, 3]], 'sees no range of rows'],
    [[[0, 4, 3, 6]], 'segment 0 [0, 4, 3, 6] of 10 rows sees rows of its own twice'],
    [
      [
        [0, 4, -1],
        [4, 6, 1],
      ],
      'segment 1 [4, 6, 1] of 10 rows has no earlier segment for its parent',
    ],
    [[[0, 4, -2]], 'has no earlier segment for its parent'],
    [[[0, 4]], 'segments are [S, 3] or [S, 4], not [1, 2]'],
  ];
  for (const [segments, message] of refused) expect(() => attend(segments)).toThrow(message);
  expect(() => attend([[0, 4, 3, 6]], false)).not.toThrow();
  const options = { heads: 5, scale, causal: true };
  expect(() => packedAttention(tf.ones([4, 12]), segmentsOf({ segments: [[0, 4, -1]] }), options)).toThrow(
    'qkv [4, 12] is not three times 5 heads',
  );
});

test('no segments at all give zeros', () => {
  const empty = tf.tensor2d([], [0, 3], 'int32');
  const out = packedAttention(tf.ones([3, 6]), empty, { heads: 1, scale, causal: true });
  expect(Array.from(out.dataSync())).toEqual(new Array(6).fill(0));
});

test('what is not a number in a query, a key or a value is seen in the output', () => {
  const segments = segmentsOf({ segments: [[0, 3, -1]] });
  for (const column of [0, 4, 8]) {
    const values = new Float32Array(3 * 12).fill(1);
    values[column] = NaN;
    const out = packedAttention(tf.tensor2d(values, [3, 12]), segments, { heads: 1, scale, causal: true });
    expect(Number.isNaN(out.dataSync()[0]!)).toBe(true);
  }
});

test.each([
  ['kernel', packedAttention],
  ['composition', composedAttention],
] as const)('the %s can be recorded with its gradient, and leaves no tensor behind', async (_, attend) => {
  const layout = LAYOUTS[1]!;
  const gradient = (qkv: tf.Tensor, segments: tf.Tensor) =>
    tf.grad((qkv) =>
      tf.sum(tf.square(attend(qkv, segments as tf.Tensor2D, { heads: 2, scale, causal: true }))),
    )(qkv);
  const [qkv, segments] = [random('qkv', layout.rows, 24), segmentsOf(layout)];
  const compiled = compile(([qkv, segments]) => [gradient(qkv!, segments!)], {
    name: 'gradient',
    verify: true,
  });
  for (let call = 0; call < 3; call++)
    expectClose(compiled.call([qkv, segments])[0]!, gradient(qkv, segments), 1e-6);
  await expectNoLeak(() => tf.tidy(() => void gradient(qkv, segments)));
});
