import { beforeAll, expect, test } from 'vitest';
import {
  type FunctionDefinition,
  callFunction,
  compile,
  defineFunction,
  exclusiveTimes,
  opScope,
  profileOps,
  startEngine,
  startProfile,
  stopProfile,
  tf,
} from '../index.js';
import { expectNoLeak } from '../testing.js';

const SIZE = 256;

const layer = (name: string, xla: boolean): FunctionDefinition => ({
  name,
  xla,
  inputs: ['float32', 'float32'],
  nodes: [
    { name: 'forward/product', op: 'MatMul', inputs: [0, 1] },
    { name: 'forward/y', op: 'Tanh', inputs: ['forward/product'] },
    { name: 'backward/slope', op: 'TanhGrad', inputs: ['forward/y', 1] },
  ],
  outputs: ['backward/slope'],
});

let x: tf.Tensor;

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  defineFunction(layer('profiled', false));
  defineFunction(layer('profiled_xla', true));
  x = tf.randomNormal([SIZE, SIZE], 0, 1, 'float32', 1);
});

/** Calls the function until its values have been read. */
const run = (name: string) => () => tf.tidy(() => callFunction(name, [x, x], 1)[0]!.dataSync().length);

test('the nodes of a function are told by name and type, with true times', () => {
  run('profiled')();
  const start = performance.now() * 1000;
  const { result, ops } = profileOps(run('profiled'));
  const end = performance.now() * 1000;
  expect(result).toBe(SIZE * SIZE);

  const nodes = ['forward/product', 'forward/y', 'backward/slope'].map((name) =>
    ops.find((op) => op.name === name)!,
  );
  expect(nodes.map(({ op }) => op)).toEqual([expect.stringMatching(/^(_Mkl)?MatMul$/), 'Tanh', 'TanhGrad']);
  const [product, tanh, slope] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
  expect(product.inputs).toBe(`(float[${SIZE},${SIZE}];float[${SIZE},${SIZE}])`);
  expect(product.outputBytes).toBe(4 * SIZE * SIZE);
  // A tenth of a millisecond for the difference of two clocks.
  for (const op of nodes) {
    expect(op.durationUs).toBeGreaterThan(1);
    expect(op.startUs).toBeGreaterThan(start - 100);
    expect(op.startUs + op.durationUs).toBeLessThan(end + 100);
  }
  expect(tanh.startUs).toBeGreaterThanOrEqual(product.startUs + product.durationUs);
  expect(slope.startUs).toBeGreaterThanOrEqual(tanh.startUs + tanh.durationUs);
});

test('a large matmul is nearly all of the time that its call takes', () => {
  const large = tf.ones([1536, 1536]);
  const multiply = () => tf.tidy(() => tf.matMul(large, large));
  multiply().dispose();
  const start = performance.now();
  const { result, ops } = profileOps(multiply);
  const wallMs = performance.now() - start;
  tf.dispose([result, large]);
  const sumMs = exclusiveTimes(ops).reduce((sum, part) => sum + part, 0) / 1000;
  expect(sumMs).toBeLessThan(wallMs);
  expect(sumMs).toBeGreaterThan(0.7 * wallMs);
});

test('eager ops are told', () => {
  const { ops } = profileOps(() => tf.tidy(() => tf.sum(tf.exp(x)).dataSync()[0]));
  expect(ops.map(({ op }) => op)).toEqual(expect.arrayContaining(['Exp', 'Sum']));
});

test("a compiled function's ops are told by the scope that they were recorded in, the innermost one", () => {
  const fn = ([y]: readonly tf.Tensor[]) =>
    opScope('outer', () => {
      const inner = opScope('inner', () => tf.exp(y!));
      return [tf.neg(inner)];
    });
  const compiled = compile(fn, { name: 'scoped' });
  const call = () => tf.tidy(() => compiled.call([x])[0]!.dataSync().length);
  call();
  const { ops } = profileOps(call);
  const named = ops.filter(({ op }) => op === 'Exp' || op === 'Neg').map(({ name }) => name);
  expect(named).toEqual([expect.stringMatching(/inner\/Exp_\d+$/), expect.stringMatching(/outer\/Neg_\d+$/)]);
  compiled.close();
});

test("of a function that XLA compiled, XLA's computations are told, within the op that is the function", () => {
  run('profiled_xla')();
  const { ops } = profileOps(run('profiled_xla'));
  const whole = ops.find(({ op }) => op === 'profiled_xla')!;
  const inner = ops.filter((op) => op !== whole);
  expect(inner.length).toBeGreaterThan(0);
  for (const op of inner) expect(op.module).toMatch(/^profiled_xla/);
  const parts = exclusiveTimes(ops);
  const sum = parts.reduce((total, part) => total + part, 0);
  expect(sum).toBeLessThan(1.01 * whole.durationUs);
  expect(parts[ops.indexOf(whole)]!).toBeLessThan(whole.durationUs);
});

test('there is one profile at a time, it ends where the work throws, and nothing of it stays', async () => {
  startProfile();
  expect(() => startProfile()).toThrow('being profiled already');
  stopProfile();
  expect(() =>
    profileOps(() => {
      throw new Error('no such work');
    }),
  ).toThrow('no such work');
  run('profiled')();
  expect(profileOps(() => 1)).toEqual({ result: 1, ops: [] });
  await expectNoLeak(() => profileOps(run('profiled')));
});
