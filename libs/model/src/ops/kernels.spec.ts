import { hasKernels, startEngine, tf } from '@captrain/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { ACTIVATIONS } from './activation.js';
import { type ActivationKind, COMPOSED_ACTIVATIONS } from './composed-activations.js';
import { expectSame, random } from './same-function.cases.js';

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  expect(hasKernels()).toBe(true);
});

describe("the engine's kernels compute what the compositions of TensorFlow's ops do, and their gradients", () => {
  test.each(Object.keys(COMPOSED_ACTIVATIONS) as ActivationKind[])('%s', (kind) => {
    const x = tf.mul(random('x', 113, 301), 4);
    expectSame(
      (x) => ACTIVATIONS[kind](x!),
      (x) => COMPOSED_ACTIVATIONS[kind](x!),
      [x],
    );
  });
});
