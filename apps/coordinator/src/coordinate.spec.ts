import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { describe, expect, it } from 'vitest';
import { treeSum } from './testing/leaf-gradients.js';
import { folder, latest, linesOf, metrics, run, sumsOf, wholeSums } from './testing/scripted-run.js';

describe('a coordinator', () => {
  it('gives every worker the same gradient, added up the tree, at every step', async () => {
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b' }]);
    expect(reasons).toEqual(['The run is finished.', 'The run is finished.']);
    for (const worker of workers) {
      expect(sumsOf(worker)).toEqual(wholeSums);
      worker.learningRates.forEach((rate, i) => expect(rate).toBeCloseTo(2e-5 * (1 - i / 4), 12));
    }
    expect(workers.map(({ computed }) => computed.length)).toEqual([4, 4]);
  });

  it('writes a line of metrics per step, and the last step as a checkpoint', async () => {
    await run([{ name: 'a' }]);
    expect(metrics().map(({ step, loss, tokens }) => [step, loss, tokens])).toEqual(
      [1, 2, 3, 4].map((step) => [step, 0.5, 16]),
    );
    expect(latest()).toBe('step-00000004');
    expect(readdirSync(path.join(folder, 'run/checkpoints')).toSorted()).toEqual([
      'BEST',
      'LATEST',
      'step-00000004',
    ]);
  });

  it('keeps a ledger of the captions that workers say they have trained on', async () => {
    await run([{ name: 'a' }, { name: 'b' }, { name: 'c' }], { ledger: true });
    const whole = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(linesOf('ledger.jsonl')).toEqual(
      [0, 0, 1, 1].map((epoch, i) => ({ step: i + 1, epoch, samples: whole })),
    );
  });

  it('goes on from its checkpoint as if it had never stopped', async () => {
    await run([{ name: 'a' }], { checkpointEvery: 2 });
    const whole = metrics();
    rmSync(path.join(folder, 'run'), { recursive: true });
    await expect(run([{ name: 'a', slowness: 20, diesInStep: 4 }], { checkpointEvery: 2 })).rejects.toThrow(
      UserError,
    );
    expect(latest()).toBe('step-00000002');
    await run([{ name: 'b' }, { name: 'c' }], { resume: true });
    expect(latest()).toBe('step-00000004');
    const fields = ({ step, loss, lr, tokens }: (typeof whole)[number]) => [step, loss, lr, tokens];
    expect(metrics().map(fields)).toEqual(whole.map(fields));
  });

  const configOfRun = () =>
    JSON.parse(readFileSync(path.join(folder, 'run/config.json'), 'utf8')) as {
      microbatches: number;
      microbatchCuts?: object[];
    };
  const manifestConfig = () =>
    JSON.parse(readFileSync(path.join(folder, 'run/checkpoints', latest(), 'manifest.json'), 'utf8')).config;

  it('cuts batches as all workers have memory for, and each has work, where that is left to it', async () => {
    await run([{ name: 'a' }, { name: 'b' }, { name: 'c' }], { microbatches: 'auto' });
    expect(configOfRun().microbatches).toBe(4);
    rmSync(path.join(folder, 'run'), { recursive: true });
    const { workers } = await run([{ name: 'a' }, { name: 'b', fits: 8 }], { microbatches: 'auto' });
    expect(configOfRun().microbatches).toBe(8);
    expect(workers[0]!.gradients.get(1)).toEqual(treeSum(1, 0, 8, 8));
    expect(manifestConfig().microbatches).toBe(8);
  });

  it('keeps the cut that was chosen when the run goes on with other workers', async () => {
    const first = run([{ name: 'a', slowness: 50, diesInStep: 4 }], {
      microbatches: 'auto',
      checkpointEvery: 2,
    });
    await expect(first).rejects.toThrow(/last one was lost/);
    expect(configOfRun().microbatches).toBe(1);
    await run([{ name: 'b' }, { name: 'c', fits: 4 }], { resume: true, microbatches: 'auto' });
    expect(configOfRun().microbatches).toBe(1);
  });

  it('leaves no run behind where the first step was not reached', async () => {
    await run([{ name: 'a' }], { microbatches: 'auto' });
    await expect(run([{ name: 'a' }], { microbatches: 'auto' })).rejects.toThrow(/holds a run already/);
    rmSync(path.join(folder, 'run'), { recursive: true });
    const lost = run([{ name: 'a', diesInStep: 1 }], { microbatches: 'auto' });
    await expect(lost).rejects.toThrow(/last one was lost/);
    expect(() => configOfRun()).toThrow(/ENOENT/);
  });

  it('computes a step that did not fit again in smaller microbatches, and all after it', async () => {
    const needs = (step: number) => (step >= 3 ? 8 : 4);
    const { workers } = await run([{ name: 'a' }, { name: 'b', needs }], { checkpointEvery: 2 });
    for (const worker of workers) {
      expect(worker.gradients.get(2)).toEqual(treeSum(2, 0, 4, 4));
      for (const step of [3, 4]) expect(worker.gradients.get(step)).toEqual(treeSum(step, 0, 8, 8));
    }
    expect(configOfRun()).toMatchObject({ microbatches: 4, microbatchCuts: [{ step: 3, microbatches: 8 }] });
    expect(manifestConfig().microbatchCuts).toEqual([{ step: 3, microbatches: 8 }]);
    expect(metrics().map(({ step, tokens }) => [step, tokens])).toEqual([
      [1, 16],
      [2, 16],
      [3, 32],
      [4, 32],
    ]);
  });

  it('goes on with the cuts that its config holds', async () => {
    const needs = (step: number) => (step >= 2 ? 8 : 4);
    const first = run([{ name: 'a', needs, slowness: 20, diesInStep: 4 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    const { workers } = await run([{ name: 'b' }, { name: 'c' }], { resume: true });
    for (const step of [3, 4]) expect(workers[0]!.gradients.get(step)).toEqual(treeSum(step, 0, 8, 8));
  });

  it('ends with a sentence where a single caption does not fit', async () => {
    await expect(run([{ name: 'a', needs: () => 9 }])).rejects.toThrow(
      /microbatch of one caption does not fit into the memory of a at step 1; take --checkpoint-activations/,
    );
  });

  /** As of a leader that crashed after its last commit, or of one that gave the lead up. */
  const ends = { given: {}, crashed: { free: false, started: '1' } };

  it.for(Object.entries(ends))(
    'finds nothing left to train in a finished run, its lead %s',
    async ([, end]) => {
      await run([{ name: 'a' }]);
      const lead = path.join(folder, 'run/LEADER');
      writeFileSync(lead, JSON.stringify({ ...(JSON.parse(readFileSync(lead, 'utf8')) as object), ...end }));
      const checkpoints = path.join(folder, 'run/checkpoints');
      const there = readdirSync(checkpoints);
      // As of a worker that stood still while it wrote a file, and went on after the run's end.
      mkdirSync(path.join(checkpoints, 'step-00000002'), { recursive: true });
      writeFileSync(path.join(checkpoints, 'step-00000002/model.safetensors'), 'late');
      const { finished, workers } = await run([{ name: 'a' }], { resume: true });
      expect(finished).toBe(path.join(checkpoints, 'step-00000004'));
      expect(workers).toEqual([]);
      expect(readdirSync(checkpoints)).toEqual(there);
    },
  );

  it('refuses to start in a folder that holds a run, and to resume one by another config', async () => {
    await run([{ name: 'a' }]);
    await expect(run([{ name: 'a' }])).rejects.toThrow(/holds a run already.*--resume/);
    await expect(run([{ name: 'a' }], { resume: true, seed: 7 })).rejects.toThrow(
      /started with seed 0, not 7/,
    );
  });

  it('lets what no weights depend on change when a run is resumed', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 3 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    await run([{ name: 'a' }], { resume: true, checkpointEvery: 1 });
    expect(configOfRun()).toMatchObject({ checkpointEvery: 1 });
    expect(readdirSync(path.join(folder, 'run/checkpoints'))).toContain('step-00000003');
  });

  it('refuses workers that built another model', async () => {
    await expect(run([{ name: 'a' }, { name: 'b', layoutDigest: 'other' }])).rejects.toThrow(/another model/);
  });

  it('saves the step it is at when it is asked to stop', async () => {
    const controller = new AbortController();
    const onUpdate = (step: number) => {
      if (step === 2) controller.abort();
    };
    const { reasons } = await run([{ name: 'a', onUpdate }], {}, { controller });
    expect(reasons).toEqual([expect.stringMatching(/^Stopped at step \d of 4\.$/)]);
    expect(latest()).toMatch(/^step-0000000[23]$/);
  });

  it('names a port that is taken', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    await expect(run([{ name: 'a' }], { port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is taken`);
    busy.close();
    expect(() => readdirSync(path.join(folder, 'run'))).toThrow(/ENOENT/);
  });
});
