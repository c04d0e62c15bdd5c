import { availableParallelism } from 'node:os';
import { LiveView, UserError, defineCommand, formatTable, mapInOrder } from '@captrain/runtime';
import { z } from 'zod';
import type { ChaosCase } from './chaos-case.js';
import { chaosCases } from './cases/index.js';
import { randomCases } from './cases/random.js';
import { Laboratory } from './laboratory.js';
import { ResultsTable } from './results-table.js';
import { runCase } from './run-case.js';

export const chaos = defineCommand({
  name: 'chaos',
  summary:
    'Does to runs of real processes whatever may happen to them, and compares what they train with undisturbed runs',
  examples: [
    'npm run chaos',
    'npm run chaos -- --random 200 --seed 1',
    'npm run chaos -- --only "coordinator killed" --keep',
    'npm run chaos -- --random 17 --only "random 17 "',
  ],
  schema: z.strictObject({
    seed: z.number().int().min(0).default(1).describe('seed of the random schedules'),
    random: z.number().int().min(0).default(0).describe('random schedules of faults to run after the cases'),
    only: z
      .string()
      .min(1)
      .optional()
      .describe('regular expression: run only the cases whose names match it'),
    list: z.boolean().default(false).describe('list the cases, and run none'),
    atOnce: z
      .number()
      .int()
      .min(1)
      .default(Math.max(1, Math.floor(availableParallelism() / 4)))
      .describe('cases to run at a time; as many as four processors each allow, unless given'),
    keep: z
      .boolean()
      .default(false)
      .describe('keep the folders of failed cases, with what their processes said'),
  }),
  run: async ({ seed, random, only, list, keep, atOnce }, { signal }) => {
    const pattern = patternOf(only ?? '');
    const cases = [...chaosCases, ...randomCases(seed, random)].filter(({ name }) => pattern.test(name));
    if (cases.length === 0) throw new UserError(`No case is called "${only}"; list them by --list.`);
    if (list) {
      console.log(formatTable(cases.map(({ name, did }) => [name, did])));
      return;
    }
    const laboratory = await Laboratory.open();
    const [view, table] = [new LiveView(), new ResultsTable(cases)];
    const count = { cases: 0, passed: 0, random: 0 };
    const tryOut = async (chaos: ChaosCase, index: number) => {
      signal.throwIfAborted();
      view.update(`${index + 1} of ${cases.length}: ${chaos.name}`);
      const result = (await laboratory.allows(chaos)) && (await runCase(chaos, laboratory, { keep, signal }));
      return { chaos, result };
    };
    try {
      for await (const { chaos, result } of mapInOrder(cases.entries(), atOnce, ([i, each]) =>
        tryOut(each, i),
      )) {
        if (!result) {
          table.leftOut(chaos);
          continue;
        }
        table.passedOrFailed(chaos, result);
        count.cases++;
        if (result.passed) count.passed++;
        if (chaos.name.startsWith('random')) count.random++;
      }
    } finally {
      view.close();
      await laboratory.close(keep && count.passed < count.cases);
    }
    const passed = count.passed === count.cases;
    console.log(JSON.stringify({ chaos: passed ? 'passed' : 'failed', ...count }));
    if (!passed) process.exitCode = 1;
  },
});

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new UserError(`--only "${text}" is not a regular expression; escape what stands for itself.`);
  }
}
