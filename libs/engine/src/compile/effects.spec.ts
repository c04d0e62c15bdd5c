import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TensorFunction, compile, rawOp, readTensor, startEngine, tf } from '../index.js';

const folder = mkdtempSync(path.join(tmpdir(), 'effects-'));

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

afterAll(() => rmSync(folder, { recursive: true }));

const compiled = (fn: TensorFunction) => compile(fn, { name: 'f' });

test('an op that has them runs in every call, though no output needs it', () => {
  const file = path.join(folder, 'effect');
  writeFileSync(file, new Float32Array([1]));
  const f = compiled(([x]) => {
    readTensor({ path: file, offset: 0, dtype: 'float32', shape: [1] });
    return [tf.neg(x!)];
  });
  f.call([tf.scalar(1)]);
  expect(f.call([tf.scalar(1)])[0]!.arraySync()).toBe(-1);
  rmSync(file);
  expect(() => f.call([tf.scalar(1)])).toThrow('cannot be opened');
  f.close();
});

test('come in the order in which they were recorded', () => {
  const f = compiled(([x]) => {
    const attributes = {
      dtype: 'float32',
      shape: { shape: [] },
      shared_name: { string: 'counter' },
    } as const;
    const handle = rawOp('VarHandleOp', [], { ...attributes, container: { string: '' } })[0]!;
    const assign = (op: string) => rawOp(op, [handle, x!], { dtype: 'float32' }, 0);
    const read = () => rawOp('ReadVariableOp', [handle], { dtype: 'float32' })[0]!;
    assign('AssignVariableOp');
    const one = read();
    assign('AssignAddVariableOp');
    const two = read();
    assign('AssignAddVariableOp');
    return [one, two, read()];
  });
  for (const value of [1, 2, 3, 4])
    expect(f.call([tf.scalar(value)]).map((tensor) => tensor.arraySync())).toEqual([
      value,
      2 * value,
      3 * value,
    ]);
  f.close();
});

test('come once a call, the first included', () => {
  const attributes = { dtype: 'float32', shape: { shape: [] }, shared_name: { string: 'once' } } as const;
  const variable = () => rawOp('VarHandleOp', [], { ...attributes, container: { string: '' } })[0]!;
  tf.tidy(() => rawOp('AssignVariableOp', [variable(), tf.scalar(10)], { dtype: 'float32' }, 0));
  const f = compiled(([x]) => {
    const handle = variable();
    rawOp('AssignAddVariableOp', [handle, x!], { dtype: 'float32' }, 0);
    return rawOp('ReadVariableOp', [handle], { dtype: 'float32' });
  });
  expect([1, 1, 1].map((value) => f.call([tf.scalar(value)])[0]!.arraySync())).toEqual([11, 12, 13]);
  f.close();
});

test('ops without an effect or a use are left out', () => {
  const f = compiled(([x]) => {
    tf.exp(tf.mul(x!, 17));
    return [tf.neg(x!)];
  });
  f.call([tf.scalar(1)]);
  expect(f.report()[0]).toMatchObject({ nodes: 1, constants: 0, calls: 1 });
  f.close();
});
