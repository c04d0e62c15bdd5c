import { beforeAll, expect, test } from 'vitest';
import { startEngine } from '../index.js';
import { groupInputs } from './group-inputs.js';
import { type OpDefinition, opDefinition } from './op-definitions.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

const group = (op: string, inputs: string, attributes: Record<string, unknown> = {}) =>
  groupInputs(opDefinition(op)!, inputs.split(' '), (name) => attributes[name]);

test('inputs come together by the arguments of the op', () => {
  expect(group('MatMul', 'a b')).toEqual(['a', 'b']);
  expect(group('AddN', 'a b c')).toEqual([['a', 'b', 'c']]);
  expect(group('ConcatV2', 'a b axis', { N: 2 })).toEqual([['a', 'b'], 'axis']);
  expect(group('IdentityN', 'a b')).toEqual([['a', 'b']]);
});

test('lists of one count share what is left', () => {
  expect(group('DynamicStitch', 'i j x y')).toEqual([
    ['i', 'j'],
    ['x', 'y'],
  ]);
});

test('what does not come out even is an error that names the op', () => {
  expect(() => group('MatMul', 'a b c')).toThrow('MatMul takes a, b, not 3 tensors');
  expect(() => group('DynamicStitch', 'i j x')).toThrow('DynamicStitch takes indices, data, not 3');
  const two: OpDefinition = {
    name: 'Two',
    isStateful: false,
    inputs: ['A', 'B'].map((countAttribute) => ({ name: 'x', countAttribute, typesAttribute: undefined })),
  };
  expect(() => groupInputs(two, ['a', 'b'], () => undefined)).toThrow('give the attributes A, B');
});

test('an op is known by what TensorFlow says of it, one of our own too', () => {
  expect(opDefinition('CaptrainReadTensor')).toMatchObject({ isStateful: true, inputs: [] });
  expect(opDefinition('MatMul')!.isStateful).toBe(false);
  // Only what writes where it was told to is stateful: of the others a function may drop what nobody uses.
  const isStateful = (name: string) => opDefinition(name)!.isStateful;
  expect(['CaptrainAdamW', 'CaptrainAccumulate', 'CaptrainCopyOut'].map(isStateful)).not.toContain(false);
  expect(['CaptrainLayerNorm', 'CaptrainActivation', 'CaptrainAttention'].map(isStateful)).not.toContain(
    true,
  );
  expect(opDefinition('NoSuchOp')).toBeUndefined();
});
