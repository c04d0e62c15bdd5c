import { beforeAll, expect, test } from 'vitest';
import { moveToTensor, startEngine } from './index.js';
import { expectNoLeak } from './testing.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
});

test('a tensor has the values, and the array has none', async () => {
  const values = Float32Array.of(1, 2, 3, 4, 5, 6);
  const tensor = moveToTensor(values, [2, 3]);
  expect(tensor.arraySync()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(values).toHaveLength(0);
  tensor.dispose();
  await expectNoLeak(() => moveToTensor(new Float32Array(4), [4]).dispose());
});

test('memory goes back to the system at once', () => {
  const before = process.memoryUsage().arrayBuffers;
  const tensor = moveToTensor(new Float32Array(1 << 22), [1 << 22]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 22);
  tensor.dispose();
});

test('what does not fit the shape, or is a part of an array, is refused and stays', () => {
  const values = new Float32Array(6);
  expect(() => moveToTensor(values, [5])).toThrow('5 values');
  expect(() => moveToTensor(values.subarray(2), [4])).toThrow('4 values are a part of a longer array');
  expect(values).toHaveLength(6);
});
