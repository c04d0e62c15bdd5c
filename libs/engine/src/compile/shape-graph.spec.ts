import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FunctionNode, defineFunction, removeFunction, startEngine } from '../index.js';
import { ShapeGraph } from './shape-graph.js';

let graph: ShapeGraph;

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

beforeEach(() => {
  graph = new ShapeGraph([
    { dtype: 'float32', shape: [2, 3] },
    { dtype: 'float32', shape: [3, 5] },
  ]);
});

afterEach(() => graph.close());

const constant = (name: string, values: number[]): FunctionNode => ({
  name,
  op: 'Const',
  inputs: [],
  attributes: {
    dtype: 'int32',
    value: { tensor: { dtype: 'int32', shape: [values.length], data: Int32Array.from(values) } },
  },
});

test('types and shapes follow from those of the inputs', () => {
  expect(graph.add({ name: 'product', op: 'MatMul', inputs: [0, 1] })).toEqual([
    { dtype: 'float32', shape: [2, 5] },
  ]);
  const whole = graph.add({
    name: 'whole',
    op: 'Cast',
    inputs: ['product'],
    attributes: { DstT: 'int32' },
  });
  expect(whole).toEqual([{ dtype: 'int32', shape: [2, 5] }]);
});

test('constants decide where shapes depend on values', () => {
  graph.add(constant('shape', [3, -1]));
  expect(graph.add({ name: 'reshaped', op: 'Reshape', inputs: [0, 'shape'] })[0]!.shape).toEqual([3, 2]);
  graph.add(constant('sizes', [1, 2]));
  graph.add({ name: 'doubled', op: 'AddV2', inputs: ['sizes', 'sizes'] });
  expect(graph.add({ name: 'tiled', op: 'Tile', inputs: [0, 'doubled:0'] })[0]!.shape).toEqual([4, 12]);
});

test('those of a function are those of its body', () => {
  const product = { name: 'product', op: 'MatMul', inputs: [0, 1] };
  const outputs = ['sum', 'product:0', 0];
  const nodes = [product, { name: 'sum', op: 'AddN', inputs: [['product', 'product:0']] }];
  defineFunction({ name: 'inner', inputs: ['float32', 'float32'], nodes, outputs });
  const call = { name: 'call', op: 'inner', inputs: [0, 1] };
  defineFunction({ name: 'outer', inputs: ['float32', 'float32'], nodes: [call], outputs: ['call:1'] });
  expect(graph.add(call).map(({ shape }) => shape)).toEqual([
    [2, 5],
    [2, 5],
    [2, 3],
  ]);
  expect(graph.add({ ...call, name: 'other', op: 'outer' })[0]!.shape).toEqual([2, 5]);
  expect(graph.add({ name: 'y', op: 'Neg', inputs: ['call:2'] })[0]!.shape).toEqual([2, 3]);
  expect(() => graph.add({ ...call, name: 'short', inputs: [0] })).toThrow('inner takes 2 tensors, not 1');
  removeFunction('outer');
  removeFunction('inner');
});

test('what does not fit is an error with the name of the node', () => {
  expect(() => graph.add({ name: 'product', op: 'MatMul', inputs: [0, 0] })).toThrow(
    'node product (MatMul): Dimensions must be equal',
  );
});

test('a shape that the values decide is an error with the name of the op', () => {
  graph.add({ name: 'positive', op: 'Greater', inputs: [0, 0] });
  expect(() => graph.add({ name: 'where', op: 'Where', inputs: ['positive'] })).toThrow(
    'node where (Where): the shape of output 0 is known only when it has run',
  );
});

test('a closed one takes no more', () => {
  const closed = new ShapeGraph([]);
  closed.close();
  expect(() => closed.add(constant('c', [1]))).toThrow('this graph is closed');
});
