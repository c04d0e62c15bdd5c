import { expect, it } from 'vitest';
import { stepPlan, stepsPerEpoch, totalSteps, type Range } from './step-plan.js';

it('covers every position once an epoch, in order, whatever the sizes', () => {
  for (const [captions, batchSize, microbatches] of [
    [100, 40, 8],
    [40, 40, 8],
    [41, 40, 8],
    [3, 40, 8],
    [1, 1, 1],
    [77, 12, 4],
  ] as const) {
    const options = { batchSize, microbatches };
    const steps = stepsPerEpoch(captions, options);
    for (const epoch of [0, 3]) {
      const plans = Array.from({ length: steps }, (_, i) => stepPlan(captions, options, epoch * steps + i));
      expect(plans.every((plan) => plan.epoch === epoch)).toBe(true);
      expect(joined(plans)).toEqual({ start: 0, end: captions });
      for (const plan of plans) {
        expect(joined(plan.microbatches)).toEqual({ start: plan.start, end: plan.end });
        const sizes = plan.microbatches.map(({ start, end }) => end - start);
        expect(sizes.slice(0, -1).every((size) => size === batchSize / microbatches)).toBe(true);
        expect(sizes.at(-1)).toBeGreaterThan(0);
      }
    }
  }
});

it('cuts a full batch into all its microbatches and the last one into fewer', () => {
  const options = { batchSize: 8, microbatches: 4 };
  expect(stepPlan(11, options, 0).microbatches).toHaveLength(4);
  expect(stepPlan(11, options, 1).microbatches).toEqual([
    { start: 8, end: 10 },
    { start: 10, end: 11 },
  ]);
});

it('counts the steps of a run by epochs, or as told', () => {
  const options = { batchSize: 40, microbatches: 8, epochs: 10 };
  expect(totalSteps(30_000, options)).toBe(7500);
  expect(totalSteps(30_001, options)).toBe(7510);
  expect(totalSteps(30_001, { ...options, steps: 5 })).toBe(5);
});

/** The one range that these make up; fails where they leave a gap or overlap. */
function joined(ranges: readonly Range[]): Range {
  ranges.slice(1).forEach(({ start }, i) => expect(start).toBe(ranges[i]!.end));
  return { start: ranges[0]!.start, end: ranges.at(-1)!.end };
}
