import { expect, test } from 'vitest';
import { RandomStream } from './random.js';

test('a seed and a name always give the same values, and another seed or name gives others', () => {
  const values = [...new RandomStream(1, 'a').normal(5, 1)];
  expect([...new RandomStream(1, 'a').normal(5, 1)]).toEqual(values);
  expect([...new RandomStream(2, 'a').normal(5, 1)]).not.toEqual(values);
  expect([...new RandomStream(1, 'b').normal(5, 1)]).not.toEqual(values);
});

test('normal values have the mean, deviation and tails of a normal distribution', () => {
  const values = new RandomStream(3, 'normal').normal(100_001, 0.02);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const beyondTwo = values.filter((value) => Math.abs(value) > 0.04).length / values.length;
  expect(mean).toBeCloseTo(0, 3);
  expect(deviation).toBeCloseTo(0.02, 3);
  expect(beyondTwo).toBeCloseTo(0.0455, 2);
});

test('uniform values fill their interval evenly', () => {
  const values = new RandomStream(4, 'uniform').uniform(100_000, 0.5);
  const quarters = [0, 0, 0, 0];
  for (const value of values) quarters[Math.floor((value + 0.5) * 4)]!++;
  for (const count of quarters) expect(count / values.length).toBeCloseTo(0.25, 2);
});
