import { expect, test } from 'vitest';
import { nearest, suggestion } from './nearest.js';

const known = ['--batch-size', '--format', '--resume'];

test('finds the word that was meant', () => {
  expect(nearest('--bacth-size', known)).toBe('--batch-size');
  expect(nearest('--Resume', known)).toBe('--resume');
});

test('proposes nothing where nothing is near, and lists what there is', () => {
  expect(nearest('--x', ['--mapper-length'])).toBeUndefined();
  expect(suggestion('--x', ['--mapper-length'])).toBe('known are --mapper-length');
});
