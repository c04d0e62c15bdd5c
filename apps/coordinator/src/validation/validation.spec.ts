import { readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { CheckpointManifest } from '@captrain/model/run';
import { describe, expect, it } from 'vitest';
import { folder, latest, linesOf, run } from '../testing/scripted-run.js';

const checkpoints = () => path.join(folder, 'run/checkpoints');
const best = () => readFileSync(path.join(checkpoints(), 'BEST'), 'utf8').split('\n')[0]!;
const manifestText = (step: number) =>
  readFileSync(path.join(checkpoints(), `step-0000000${step}/manifest.json`), 'utf8');
const validationOf = (step: number) => (JSON.parse(manifestText(step)) as CheckpointManifest).validation;
const losses = () =>
  (linesOf('metrics.jsonl') as { step: number; validation_loss?: number }[]).map(
    (line) => line.validation_loss,
  );
const every = { checkpointEvery: 1, keepCheckpoints: 0 };

/** Runs, and gives all manifests. */
async function manifestsOf(...args: Parameters<typeof run>) {
  rmSync(path.join(folder, 'run'), { recursive: true, force: true });
  const { workers } = await run(...args);
  return { workers, manifests: [1, 2, 3, 4].map(manifestText) };
}

describe('a run with a validation split', () => {
  it('puts the loss of its captions into every checkpoint and its line of metrics, and keeps the best one', async () => {
    await run([{ name: 'a' }], { checkpointEvery: 1, keepCheckpoints: 1 });
    expect(latest()).toBe('step-00000004');
    expect(best()).toBe('step-00000002');
    expect(readdirSync(checkpoints()).toSorted()).toEqual([
      'BEST',
      'LATEST',
      'step-00000002',
      'step-00000004',
    ]);
    const sum = [0, 1, 2, 3, 4, 5, 6].reduce((sum, caption) => sum + 0.1 + Math.sin(caption) ** 2, 0);
    const { loss, ...rest } = validationOf(2)!;
    expect(rest).toEqual({ split: 'val', captions: 7, tokens: 14 });
    expect(loss).toBeCloseTo(sum / 14, 12);
    expect(losses()).toEqual([1, 2, 3, 4].map((step) => expect.closeTo(loss * (1 + Math.abs(step - 2)), 12)));
    expect(losses()[3]).toBe(validationOf(4)!.loss);
  });

  it('writes the same manifests with any number of workers, and whoever is lost meanwhile', async () => {
    const alone = await manifestsOf([{ name: 'a' }], every);
    expect(alone.workers[0]!.validated.filter(({ step }) => step === 1)).toEqual([
      { step: 1, first: 0, end: 2 },
      { step: 1, first: 2, end: 4 },
      { step: 1, first: 4, end: 6 },
      { step: 1, first: 6, end: 7 },
    ]);
    const three = await manifestsOf([{ name: 'a' }, { name: 'b' }, { name: 'c' }], every);
    expect(three.manifests).toEqual(alone.manifests);
    for (const { validated } of three.workers) expect(validated.length).toBeGreaterThan(0);
    const lost = await manifestsOf([{ name: 'a' }, { name: 'b', diesValidating: 2 }], every);
    expect(lost.manifests).toEqual(alone.manifests);
  });

  it('has others validate what a slow worker is late with', async () => {
    const started = performance.now();
    const scripts = [{ name: 'a' }, { name: 'b', validatesSlowly: 30_000 }];
    const { workers } = await run(scripts, { steps: 1 });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(workers[0]!.validated).toHaveLength(4);
    expect(validationOf(1)).toBeDefined();
  });

  it('is not held up by a worker that wants to leave, nor by its leaving', async () => {
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b', leavesAfterStep: 2 }], every);
    expect(reasons[1]).toMatch(/leave/);
    expect(workers[0]!.validated.filter(({ step }) => step === 4)).toHaveLength(4);
  });

  it('goes on from the checkpoint before when the only worker is lost in it, at the last step too', async () => {
    const alone = await manifestsOf([{ name: 'a' }], every);
    for (const diesValidating of [2, 4]) {
      const late = [{ name: 'b', joinsAfterStep: diesValidating }];
      const options = { ...every, workerPatience: 5 };
      const scripts = [{ name: 'a', diesValidating }];
      const again = await manifestsOf(scripts, options, { late });
      expect(again.manifests[3]).toEqual(alone.manifests[3]);
    }
  });

  it('cuts what does not fit into a worker, and all after it', async () => {
    await run([{ name: 'a' }, { name: 'b', validatesAtMost: 1 }], { checkpointEvery: 2 });
    const config = JSON.parse(readFileSync(path.join(folder, 'run/config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ microbatchCuts: [{ step: 3, microbatches: 8 }] });
    expect(validationOf(4)).toBeDefined();
  });

  it('has no validation where the loss is not finite, and says so in the metrics', async () => {
    await run([{ name: 'a', validationLoss: () => NaN }], { steps: 1 });
    expect(validationOf(1)).toBeUndefined();
    expect(losses()).toEqual([null]);
  });

  it('compares a resumed run with the old best', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 4 }], { checkpointEvery: 1 });
    await expect(first).rejects.toThrow(/last one was lost/);
    expect(best()).toBe('step-00000002');
    await run([{ name: 'a' }], { resume: true });
    expect([best(), latest()]).toEqual(['step-00000002', 'step-00000004']);
  });

  it('may take other captions, or none, when it is resumed', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 3 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    await run([{ name: 'a' }], { resume: true, validationCaptions: 3, checkpointEvery: 3 });
    expect(validationOf(3)).toMatchObject({ captions: 3 });
    // Losses over other captions are not compared.
    expect(best()).toBe('step-00000003');
  });
});

describe('no validation', () => {
  it('is made where it is turned off, or only the split that is trained on is there', async () => {
    for (const options of [{ validationCaptions: 0 }, { split: 'val' }]) {
      const { workers } = await run([{ name: 'a' }], { ...options, steps: 2 });
      expect(workers[0]!.validated).toEqual([]);
      expect(validationOf(2)).toBeUndefined();
      rmSync(path.join(folder, 'run'), { recursive: true });
    }
  });

  it('is made at a step whose checkpoint the config does not ask for', async () => {
    const controller = new AbortController();
    const onUpdate = () => controller.abort();
    const { workers } = await run([{ name: 'a', slowness: 50, onUpdate }], {}, { controller });
    expect(latest()).toMatch(/^step-0000000[12]$/);
    expect(workers[0]!.validated).toEqual([]);
  });
});

it('a split that is asked for and is not there is said at the start', async () => {
  await expect(run([{ name: 'a' }], { validationSplit: 'test' })).rejects.toThrow(
    /has no split "test"; it has train, val/,
  );
});
