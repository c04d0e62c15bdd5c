import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { describe, expect, it } from 'vitest';
import { PARAMETERS, leafGradient } from './testing/leaf-gradients.js';
import { folder, latest, metrics, run, sumsOf, wholeSums } from './testing/scripted-run.js';

describe('a run whose workers come and go', () => {
  it('gives the work of a lost worker to the others, and the sum stays the same', async () => {
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b', diesInStep: 2 }]);
    expect(reasons).toEqual(['The run is finished.', undefined]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(metrics().map((line) => line.workers)).toEqual([2, 1, 1, 1]);
    // What was computed before the loss is not computed again.
    const twoSubtrees = [
      { first: 0, count: 2 },
      { first: 0, count: 4 },
    ];
    expect(workers[0]!.computed.filter(({ step }) => step === 2).map(({ subtree }) => subtree)).toEqual(
      twoSubtrees,
    );
  });

  it('shares a step by names, so that those who outlive a coordinator compute nothing again', async () => {
    for (const names of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      rmSync(path.join(folder, 'run'), { recursive: true, force: true });
      const { workers } = await run(names.map((name) => ({ name })));
      const a = workers[names.indexOf('a')]!;
      expect(a.computed.map(({ subtree }) => subtree)).toEqual(Array(4).fill({ first: 0, count: 2 }));
    }
  });

  it('does without a worker that is not heard of for its lease', async () => {
    const scripts = [{ name: 'a' }, { name: 'b', fallsSilentInStep: 2 }];
    const { workers } = await run(scripts, { leaseSeconds: 0.5 });
    expect(sumsOf(workers[0])).toEqual(wholeSums);
  });

  it('takes a worker in at the next boundary, with the state that the others hold', async () => {
    const late = [{ name: 'late', joinsAfterStep: 1 }];
    const { workers, reasons } = await run([{ name: 'a', slowness: 100 }], {}, { late });
    expect(reasons).toEqual(['The run is finished.', 'The run is finished.']);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    const [first] = workers[1]!.fetched;
    expect([1, 2]).toContain(first);
    expect(workers[1]!.gradients.get(4)).toEqual(wholeSums[3]);
    expect(metrics().at(-1)!.workers).toBe(2);
  });

  it('lets a worker go that wants to, and goes on', async () => {
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b', leavesAfterStep: 2 }]);
    expect(reasons[1]).toMatch(/leave/);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
  });

  it('goes on from its checkpoint with a worker that comes after the last one was lost', async () => {
    const late = [{ name: 'b', joinsAfterStep: 3 }];
    const options = { checkpointEvery: 2, workerPatience: 5 };
    const { workers } = await run([{ name: 'a', diesInStep: 4 }], options, { late });
    expect([...workers[1]!.gradients.keys()].at(-1)).toBe(4);
    expect(metrics().map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it("goes on without a worker that fails while others train, and ends with the last one's sentence", async () => {
    const { workers } = await run([{ name: 'a' }, { name: 'b', failsInStep: 2 }]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    rmSync(path.join(folder, 'run'), { recursive: true });
    const both = run([
      { name: 'a', failsInStep: 3 },
      { name: 'b', failsInStep: 2 },
    ]);
    await expect(both).rejects.toThrow(new UserError('its data are damaged'));
  });

  describe('resumed with a worker that loads its newest checkpoint', () => {
    const interrupted = () =>
      expect(
        run([{ name: 'a', slowness: 20, diesInStep: 4 }], { checkpointEvery: 2, validationCaptions: 0 }),
      ).rejects.toThrow(/last one was lost/);

    it('keeps that one for as long as it is loaded, though others train on', async () => {
      await interrupted();
      const held: string[][] = [];
      const checkpoints = path.join(folder, 'run/checkpoints');
      const onLoaded = () => held.push(readdirSync(checkpoints));
      const slow = { name: 'slow', loadsFor: 1500, onLoaded };
      const options = { resume: true, workers: 1, checkpointEvery: 1, keepCheckpoints: 1 };
      await run([{ name: 'a', slowness: 200 }, slow], options);
      expect(held[0]).toContain('step-00000002');
      expect(held[0]).toContain('step-00000003');
      expect(readdirSync(checkpoints)).toEqual(['LATEST', 'step-00000004']);
    });

    it('ends with what that one says where nobody can load it', async () => {
      await interrupted();
      const both = [
        { name: 'a', misses: true },
        { name: 'b', misses: true },
      ];
      await expect(run(both, { resume: true })).rejects.toThrow(
        new UserError('checkpoints/step-00000002 is damaged'),
      );
    });

    it('gives it the state of another where it cannot', async () => {
      await interrupted();
      const { workers } = await run([{ name: 'a' }, { name: 'b', misses: true }], { resume: true });
      expect(workers[1]!.fetched).toEqual([2]);
      expect(workers[1]!.gradients.get(4)).toEqual(wholeSums[3]);
    });
  });

  it('ends with a sentence that says how to go on where nobody comes any more', async () => {
    await expect(run([{ name: 'a', diesInStep: 3 }], { workerPatience: 0.3 })).rejects.toThrow(
      /No worker has come for 0.3 s after the last one was lost.*--resume/,
    );
  });

  it('goes on from the newest state that workers hold, newer than its checkpoint', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 4 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    const scripts = [
      { name: 'a', holds: 3 },
      { name: 'b', holds: 2 },
    ];
    const { workers } = await run(scripts, { resume: true });
    expect(workers.map(({ fetched }) => fetched)).toEqual([[], [3]]);
    expect([...workers[1]!.gradients.keys()]).toEqual([4]);
  });

  it('does not go on from a state that lines of the metrics are lost before', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 3 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    // The run went back after it had heard of step 3, and the line of that was forgotten with the coordinator.
    const { workers } = await run([{ name: 'a', holds: 4 }], { resume: true });
    expect(workers[0]!.fetched).toEqual([2]);
    expect([...workers[0]!.gradients]).toEqual([3, 4].map((step) => [step, wholeSums[step - 1]]));
    expect(metrics().map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('goes on from one where another has the lines that it lacks', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 3 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    const scripts = [
      { name: 'a', holds: 4 },
      { name: 'b', holds: 2, heard: [3] },
    ];
    const { workers } = await run(scripts, { resume: true });
    expect(workers.map(({ fetched }) => fetched)).toEqual([[], [4]]);
    expect(metrics().map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('saves the last step where workers hold it and no checkpoint does', async () => {
    const first = run([{ name: 'a', slowness: 20, diesInStep: 4 }], { checkpointEvery: 2 });
    await expect(first).rejects.toThrow(/last one was lost/);
    await run([{ name: 'a', holds: 4 }], { resume: true });
    expect(latest()).toBe('step-00000004');
  });

  it('has others compute what a slow worker is late with, and relieves it', async () => {
    const scripts = [{ name: 'a' }, { name: 'b', slowness: 4000 }];
    const started = performance.now();
    const { workers } = await run(scripts, { stragglerFactor: 2, steps: 2 });
    expect(workers[0]!.gradients.get(2)).toEqual(wholeSums[1]);
    expect(performance.now() - started).toBeLessThan(7000);
  });
});

describe('a run that is lied to', () => {
  it('refuses a sum that is not finite, has others compute it, and fences who sends that again and again', async () => {
    const leaf = () => [1, Number.NaN, 1, 1, 1];
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b', leaf }]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(workers[1]!.refusals.length).toBeGreaterThanOrEqual(2);
    expect(reasons[1]).toMatch(/b is fenced after 3 refusals/);
  });

  it('asks another worker where one says that its sum is not finite', async () => {
    const { workers } = await run([{ name: 'a' }, { name: 'b', saysNotFinite: (step) => step === 2 }]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(workers[1]!.refusals).toEqual([expect.stringMatching(/finite b said/)]);
  });

  it('skips an update where all agree that the gradient is not finite, and gives up after a while', async () => {
    const saysNotFinite = (step: number) => step === 2;
    const scripts = [
      { name: 'a', saysNotFinite },
      { name: 'b', saysNotFinite },
    ];
    const { workers } = await run(scripts);
    expect(workers.map(({ skipped }) => skipped)).toEqual([[2], [2]]);
    rmSync(path.join(folder, 'run'), { recursive: true });
    const always = [{ name: 'a', saysNotFinite: (step: number) => step > 2 }];
    await expect(run(always, { skipLimit: 2, checkpointEvery: 2 })).rejects.toThrow(
      /gradients of 2 steps in a row, up to step 4, were not finite; lower --learning-rate, and go on from .*step-00000002/,
    );
  });

  it('skips an update where parts are finite and their sum is not', async () => {
    const leaf = (step: number, microbatch: number) => (step === 2 ? huge : leafGradient(step, microbatch));
    const huge = Array<number>(PARAMETERS).fill(3e38);
    // Each has a single microbatch: what a worker has of it is finite, whoever adds up.
    const scripts = ['a', 'b', 'c', 'd'].map((name) => ({ name, leaf }));
    const { workers } = await run(scripts);
    expect(workers.map(({ skipped }) => skipped)).toEqual([[2], [2], [2], [2]]);
    expect(workers[0]!.gradients.get(3)).toEqual(wholeSums[2]);
  });

  it('believes its own eyes about a sum, and fences who says otherwise again and again', async () => {
    const saysSumIsFinite = (step: number) => (step > 1 ? false : undefined);
    const { workers, reasons } = await run([{ name: 'a' }, { name: 'b', saysSumIsFinite }]);
    expect(workers[0]!.skipped).toEqual([]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(workers[1]!.refusals).toContain('Of a sum that is finite b said that it is not finite.');
    expect(reasons[1]).toMatch(/b is fenced after 3 refusals/);
  });

  it('has all skip a sum that is not finite, whoever says that it is', async () => {
    const leaf = (step: number, microbatch: number) => (step === 2 ? huge : leafGradient(step, microbatch));
    const huge = Array<number>(PARAMETERS).fill(3e38);
    const scripts = ['a', 'b', 'c', 'd'].map((name) => ({ name, leaf, saysSumIsFinite: () => true }));
    const { workers } = await run(scripts);
    expect(workers.map(({ skipped }) => skipped)).toEqual([[2], [2], [2], [2]]);
  });

  it('has the part of a worker that another refuses added up here, and refuses who was wrong', async () => {
    const accuser = { name: 'a', accuses: true };
    const options = { reduce: 'workers', steps: 2 };
    const lied = await run([accuser, { name: 'b' }], options);
    expect(lied.workers[1]!.refusals).toEqual([]);
    expect(lied.workers[0]!.refusals).toEqual(Array(2).fill('a refused a part of b that is good.'));
    for (const { gradients } of lied.workers) expect([...gradients.values()]).toEqual(wholeSums.slice(0, 2));

    rmSync(path.join(folder, 'run'), { recursive: true });
    const broken = () => Array<number>(PARAMETERS).fill(Number.NaN);
    const right = await run([accuser, { name: 'b', leaf: broken }], options);
    expect(right.workers[0]!.refusals).toEqual([]);
    expect(right.workers[1]!.refusals).toEqual(Array(2).fill(expect.stringMatching(/not finite/)));
    expect([...right.workers[0]!.gradients.values()]).toEqual(wholeSums.slice(0, 2));
  });

  it('knows who refuses a part that nobody sent', async () => {
    const { workers, reasons } = await run([{ name: 'a', accuses: true }, { name: 'b' }]);
    expect(sumsOf(workers[1])).toEqual(wholeSums);
    expect(workers[0]!.refusals[0]).toBe('It was sent no part of b.');
    expect(reasons[0]).toMatch(/a is fenced after 3 refusals/);
  });

  it('sends a worker away whose replica went astray, and goes back to where all agreed', async () => {
    const digest = (step: number) => (step >= 3 ? 'flipped' : `state of step ${step}`);
    const scripts = [{ name: 'a' }, { name: 'b', digest }, { name: 'c' }];
    const { workers, reasons } = await run(scripts, { digestEvery: 1, checkpointEvery: 2 });
    expect(reasons[1]).toMatch(/After step 3 the replica of b differs/);
    expect(workers[0]!.fetched).toEqual([2]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
    expect(metrics().map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it('does not save the last step before its replicas agree', async () => {
    const digest = (step: number) => (step === 4 ? 'flipped' : `state of step ${step}`);
    const scripts = [{ name: 'a' }, { name: 'b', digest }, { name: 'c' }];
    const { workers, reasons } = await run(scripts, { checkpointEvery: 2 });
    expect(reasons[1]).toMatch(/After step 4 the replica of b differs/);
    expect(workers[0]!.fetched).toEqual([2]);
    expect(latest()).toBe('step-00000004');
    expect(metrics().map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });
});

describe('two coordinators on one run', () => {
  it('are one: the second says who leads', async () => {
    const held = run([{ name: 'a', slowness: 500 }]);
    await new Promise((resolve) => setTimeout(resolve, 800));
    await expect(run([{ name: 'b' }], { resume: true })).rejects.toThrow(
      /led by the coordinator at 127.0.0.1/,
    );
    await held;
    expect(metrics()).toHaveLength(4);
  });
});
