import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { describe, expect, it } from 'vitest';
import { folder, latest, metrics, run, sumsOf, wholeSums } from './testing/scripted-run.js';

const collective = { reduce: 'collective' };
const configOf = (file: string) =>
  JSON.parse(readFileSync(path.join(folder, 'run', file), 'utf8')) as Record<string, unknown>;

describe('a run that sums collectively', () => {
  it('has one group for all steps, as long as nothing happens', async () => {
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b' }], collective);
    expect(reasons).toEqual(['The run is finished.', 'The run is finished.']);
    for (const worker of workers) expect(sumsOf(worker)).toEqual(wholeSums);
    expect(workers.map(({ groups }) => groups.length)).toEqual([1, 1]);
    expect(workers[0]!.groups).toEqual(workers[1]!.groups);
  });

  it('says in its config, and in its checkpoints, since when it does', async () => {
    await run([{ name: 'a' }, { name: 'b' }], collective);
    expect(configOf('config.json')).toMatchObject({ collectiveSince: 1 });
    const manifest = configOf(`checkpoints/${latest()}/manifest.json`);
    expect(manifest['config']).toMatchObject({ collectiveSince: 1 });
  });

  it('needs no process where a worker is alone, and is exact', async () => {
    const { workers } = await run([{ name: 'a' }], collective);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(workers[0]!.groups).toEqual([]);
    expect(configOf('config.json')).not.toHaveProperty('collectiveSince');
  });

  it('gives the work of a lost worker to the others, in another group', async () => {
    const scripts = [{ name: 'a' }, { name: 'b' }, { name: 'c', diesInStep: 2 }];
    const { workers, reasons } = await run(scripts, collective);
    expect(reasons).toEqual(['The run is finished.', 'The run is finished.', undefined]);
    expect(sumsOf(workers[0])).toEqual(sumsOf(workers[1]));
    expect(metrics().map((line) => line.workers)).toEqual([3, 2, 2, 2]);
    expect(workers[0]!.groups).toHaveLength(2);
  });

  it('does without a worker that is not heard of for its lease', async () => {
    const scripts = [{ name: 'a' }, { name: 'b', fallsSilentInStep: 2 }];
    const { workers } = await run(scripts, { ...collective, leaseSeconds: 0.5 });
    expect(sumsOf(workers[0])).toEqual(wholeSums);
  });

  it('takes a worker in at the next boundary, in another group', async () => {
    const late = [{ name: 'late', joinsAfterStep: 1 }];
    const scripts = [
      { name: 'a', slowness: 100 },
      { name: 'b', slowness: 100 },
    ];
    const { workers, reasons } = await run(scripts, collective, { late });
    expect(reasons).toEqual(Array(3).fill('The run is finished.'));
    expect(workers[0]!.groups).toHaveLength(2);
    expect(workers[2]!.groups).toEqual([workers[0]!.groups[1]]);
    expect(workers[2]!.gradients.get(4)).toEqual(workers[0]!.gradients.get(4));
  });

  it('has others compute what a slow worker is late with', async () => {
    const scripts = [{ name: 'a' }, { name: 'b', slowness: 4000 }];
    const { workers } = await run(scripts, { ...collective, stragglerFactor: 2, steps: 2 });
    expect(workers[0]!.gradients.get(2)).toEqual(wholeSums[1]);
  });

  it('begins anew where a sum fails, and blames nobody', async () => {
    const scripts = [{ name: 'a' }, { name: 'b', sumFails: { step: 2, times: 4 } }];
    const { workers, reasons } = await run(scripts, collective);
    expect(reasons).toEqual(['The run is finished.', 'The run is finished.']);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(workers[0]!.groups).toHaveLength(5);
  });

  it('ends with a sentence where sums fail again and again, and keeps what there is', async () => {
    const scripts = [{ name: 'a' }, { name: 'b', sumFails: { step: 3, times: 99 } }];
    const failing = run(scripts, collective);
    await expect(failing).rejects.toThrow(
      'The collective sum of the gradients after step 2 fails again and again (b: no such device); mend that, or go on with --resume --reduce workers.',
    );
    await expect(failing).rejects.toBeInstanceOf(UserError);
    expect(latest()).toBe('step-00000002');
    await run([{ name: 'a' }, { name: 'b' }], { resume: true });
    expect(latest()).toBe('step-00000004');
    expect(configOf('config.json')).toMatchObject({ collectiveSince: 1 });
  });

  it('skips an update by a sum that is not finite', async () => {
    const leaf = (step: number) => Array<number>(5).fill(step === 2 ? 2e38 : 1);
    const scripts = ['a', 'b', 'c', 'd'].map((name) => ({ name, leaf }));
    const { workers } = await run(scripts, collective);
    expect(workers.map(({ skipped }) => skipped)).toEqual(Array(4).fill([2]));
  });

  it('is made here where workers say different things of it, and who was wrong is refused', async () => {
    const saysSumIsFinite = (step: number) => (step === 2 ? false : undefined);
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b', saysSumIsFinite }], collective);
    expect(reasons).toEqual(['The run is finished.', 'The run is finished.']);
    expect(workers[0]!.skipped).toEqual([]);
    expect(workers[1]!.refusals).toEqual(['Of a sum that is finite b said that it is not finite.']);
    for (const worker of workers) expect(sumsOf(worker)).toEqual(wholeSums);
    expect(workers.map(({ groups }) => groups.length)).toEqual([1, 1]);
  });

  it('is refused where it cannot do what else is asked for', async () => {
    await expect(run([], { ...collective, workers: 1, exchange: 'bf16' })).rejects.toThrow(
      /--reduce collective does not go with --exchange bf16; take --reduce workers/,
    );
    await expect(run([], { ...collective, workers: 1, localAggregation: true })).rejects.toThrow(
      /--reduce collective has a process for every worker.*does not go with --local-aggregation/,
    );
  });
});
