import { expect, test } from 'vitest';
import { layoutOf } from '../layout.js';
import { checkpointFiles, kindOfFile, namesOfKind } from './checkpoint-files.js';

const layout = layoutOf(
  new Map([
    ['a', [100]],
    ['b', [4, 25]],
    ['c', [300]],
    ['d', []],
  ]),
);

test('a small state is one file of each kind, with the moments under the names of PyTorch', () => {
  const [model, optimizer, ...others] = checkpointFiles(layout);
  expect(others).toEqual([]);
  expect(model).toMatchObject({ name: 'model.safetensors', kind: 'model', length: 501 });
  expect(model!.tensors[1]).toEqual({ name: 'b', shape: [4, 25], array: 'parameters', first: 100, end: 200 });
  expect(optimizer).toMatchObject({ name: 'optimizer.safetensors', kind: 'optimizer', length: 1002 });
  expect(optimizer!.tensors.map(({ name }) => name)).toEqual([
    ...['exp_avg.a', 'exp_avg.b', 'exp_avg.c', 'exp_avg.d'],
    ...['exp_avg_sq.a', 'exp_avg_sq.b', 'exp_avg_sq.c', 'exp_avg_sq.d'],
  ]);
  expect(optimizer!.tensors[6]).toMatchObject({ array: 'square', first: 200, end: 500 });
});

test('a large one is cut between tensors, none of its files above the limit but for one tensor', () => {
  const files = checkpointFiles(layout, { maxFileBytes: 4 * 250 });
  expect(files.map(({ name, tensors }) => [name, ...tensors.map((tensor) => tensor.name)])).toEqual([
    ['model-00001-of-00003.safetensors', 'a', 'b'],
    ['model-00002-of-00003.safetensors', 'c'],
    ['model-00003-of-00003.safetensors', 'd'],
    ['optimizer-00001-of-00005.safetensors', 'exp_avg.a', 'exp_avg.b'],
    ['optimizer-00002-of-00005.safetensors', 'exp_avg.c'],
    ['optimizer-00003-of-00005.safetensors', 'exp_avg.d', 'exp_avg_sq.a', 'exp_avg_sq.b'],
    ['optimizer-00004-of-00005.safetensors', 'exp_avg_sq.c'],
    ['optimizer-00005-of-00005.safetensors', 'exp_avg_sq.d'],
  ]);
});

test('every value of the state is in exactly one file', () => {
  for (const limit of [4, 400, 1000, 1e9]) {
    const covered = { parameters: 0, mean: 0, square: 0, outer: 0 };
    for (const { tensors, length } of checkpointFiles(layout, { outer: true, maxFileBytes: limit })) {
      expect(length).toBe(tensors.reduce((sum, { first, end }) => sum + end - first, 0));
      for (const { array, first, end } of tensors) {
        expect(first).toBe(covered[array]);
        covered[array] = end;
      }
    }
    expect(covered).toEqual({ parameters: 501, mean: 501, square: 501, outer: 501 });
  }
});

test("files are told by their names, a manifest's of one kind in their order", () => {
  expect(kindOfFile('model.safetensors')).toBe('model');
  expect(kindOfFile('optimizer-00001-of-00002.safetensors')).toBe('optimizer');
  expect(kindOfFile('manifest.json')).toBeUndefined();
  const files = {
    'model-00002-of-00002.safetensors': 0,
    'optimizer.safetensors': 0,
    'model-00001-of-00002.safetensors': 0,
  };
  expect(namesOfKind('model', files)).toEqual([
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
  ]);
});
