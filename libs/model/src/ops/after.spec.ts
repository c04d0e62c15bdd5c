import { startEngine, tf } from '@captrain/engine';
import { beforeAll, expect, test } from 'vitest';
import { after } from './after.js';

beforeAll(() => startEngine({ device: 'cpu' }));

test.each([[[]], [[1]], [[2, 3]], [[4, 1, 2]]])(
  'is x, bit for bit, whatever it waits for: shape %j',
  (shape) => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [1, -0, NaN],
        [Infinity, 5e-42, 6],
      ]);
      const result = after(x, tf.fill(shape, NaN));
      expect(result.shape).toEqual([2, 3]);
      expect([...result.dataSync()]).toEqual([...x.dataSync()]);
    });
  },
);
