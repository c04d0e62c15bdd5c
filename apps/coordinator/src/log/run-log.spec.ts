import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '@captrain/data/store';
import { createLogger } from '@captrain/runtime';
import { afterEach, expect, it } from 'vitest';
import { RunLog, type StepMetrics } from './run-log.js';
import { StorePatience } from './store-patience.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-log-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stepsOf = (name: string) =>
  readFileSync(path.join(folder, name), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { step: number }).step);

it('has the lines of all steps again where a worker comes back that is ahead of where the others went on', async () => {
  const store = await openStore(folder);
  const log = createLogger('coordinator', { level: 'silent' });
  const patience = new StorePatience(60, log);
  const runLog = await RunLog.open(store, { ledger: true, patience, leads: () => Promise.resolve(true) });
  const add = (step: number) =>
    runLog.add({ metrics: { step, skipped: step === 9 } as unknown as StepMetrics });
  for (let step = 1; step <= 10; step++) add(step);
  await runLog.write();
  runLog.rewind(8);
  expect(runLog.skipped).toBe(0);
  await runLog.write();
  expect(stepsOf('metrics.jsonl')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  // It has the line that was not written when it heard it, and those before are here.
  add(10);
  add(11);
  await runLog.close();
  for (const name of ['metrics.jsonl', 'ledger.jsonl'])
    expect(stepsOf(name)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(runLog.skipped).toBe(1);
  runLog.rewind(8);
  for (const step of [9, 10]) add(step);
  await runLog.close();
  expect(stepsOf('metrics.jsonl')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});
