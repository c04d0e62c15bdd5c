import { expect, test } from 'vitest';
import { outerUpdate } from './outer-update.js';

const LENGTH = 5;
const islands = 3;
const options = { islands, learningRate: 0.7, momentum: 0.9 };
const values = (seed: number) => Array.from({ length: LENGTH }, (_, i) => Math.sin(seed * 7 + i));

/** Two rounds by the formulas of the paper, in double precision; `ends`: each round's islands, by their parameters. */
function reference(start: number[], ends: number[][][]) {
  let parameters = start;
  let velocity = start.map(() => 0);
  for (const round of ends) {
    const delta = parameters.map(
      (theta, i) => round.reduce((sum, island) => sum + (theta - island[i]!), 0) / round.length,
    );
    velocity = velocity.map((u, i) => 0.9 * u + delta[i]!);
    parameters = parameters.map((theta, i) => theta - 0.7 * (0.9 * velocity[i]! + delta[i]!));
  }
  return { parameters, velocity };
}

test('parameters follow the mean change by Nesterov momentum, and moments become the means', () => {
  const start = values(1);
  const ends = [0, 1].map((round) => [2, 3, 4].map((seed) => values(seed + 10 * round)));
  const squares = [5, 6, 7].map((seed) => values(seed).map((value) => value * value));
  const state = [start, values(8), [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]].map((array) =>
    Float32Array.from(array),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  for (const round of ends) {
    const changes = new Float32Array(3 * LENGTH);
    round.forEach((parameters, island) =>
      [parameters, parameters, squares[island]!].forEach((end, array) =>
        end.forEach((value, i) => (changes[array * LENGTH + i]! += state[array]![i]! - value)),
      ),
    );
    outerUpdate(state, changes, options);
  }
  const { parameters, velocity } = reference(start, ends);
  const mean = (arrays: number[][]) =>
    arrays[0]!.map((_, i) => arrays.reduce((sum, array) => sum + array[i]!, 0) / arrays.length);
  const expected = [parameters, mean(ends[1]!), mean(squares), velocity];
  state.forEach((array, i) => array.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, 5)));
});

test('rounding leaves no mean of squares below 0', () => {
  const state = [0, 0, 1, 0].map((value) => Float32Array.of(value)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  outerUpdate(state, Float32Array.of(0, 0, 3.01), options);
  expect(state[2][0]).toBe(0);
});
