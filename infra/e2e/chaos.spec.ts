import { afterAll, beforeAll, expect, test } from 'vitest';
import { shortCases } from '../src/chaos/cases/index.js';
import { Laboratory } from '../src/chaos/laboratory.js';
import { runCase } from '../src/chaos/run-case.js';

// A part of what `npm run chaos` does: real processes, to which something happens, end in the bytes of an undisturbed run.
let laboratory: Laboratory;
beforeAll(async () => void (laboratory = await Laboratory.open()));
afterAll(() => laboratory.close(false));

// Most of their time cases wait: for leases to end, and for processes to be there.
test.concurrent.each(shortCases)('$name: $did', async (each) => {
  expect(await runCase(each, laboratory)).toMatchObject({ passed: true, reason: '' });
});
