import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { manifestOf, openStore } from '@captrain/data';
import { coordinatorConfig } from '@captrain/model/run';
import { UserError, createLogger } from '@captrain/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { coordinate } from './coordinate.js';
import { treeSum } from './testing/leaf-gradients.js';
import { type Script, ScriptedWorker } from './testing/scripted-worker.js';

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'captrain-coordinator-'));
  const contract = {
    encoder: 'clip',
    encoderRevision: 'sha256:0',
    dim: 4,
    dtype: 'float32' as const,
    normalized: true,
    preprocessing: '',
    software: 'test',
  };
  const shard = {
    path: 'train-00000.arrow',
    split: 'train',
    rows: 4,
    captions: 16,
    bytes: 9,
    sha256: '0'.repeat(64),
  };
  const store = await openStore(path.join(folder, 'data'));
  await store.put('manifest.json', JSON.stringify(manifestOf(contract, [shard])));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A run of 4 steps of 8 captions in 4 microbatches, with scripted workers; `late` ones come when `join` is called. */
async function run(
  scripts: Script[],
  options: Record<string, unknown> = {},
  { controller = new AbortController(), late = [] as Script[] } = {},
) {
  const given: Record<string, unknown> = {
    run: path.join(folder, 'run'),
    port: 0,
    workers: scripts.length,
    workerPatience: 0,
    ...options,
  };
  if (!given['resume']) {
    const languageModel = path.join(folder, 'gpt2');
    const fresh = { data: path.join(folder, 'data'), languageModel, batchSize: 8, microbatches: 4 };
    Object.assign(given, { ...fresh, epochs: 2, warmupSteps: 0, ...options });
  }
  const workers: ScriptedWorker[] = [];
  const ends: Promise<string | undefined>[] = [];
  let finished: string | undefined;
  let address = '';
  const start = (script: Script) => {
    const worker = new ScriptedWorker(address, script);
    workers.push(worker);
    ends.push(worker.work());
  };
  for (const script of scripts) {
    const { onUpdate } = script;
    script.onUpdate = (step) => {
      onUpdate?.(step);
      late.filter((joiner) => joiner.joinsAfterStep === step).forEach(start);
      late = late.filter((joiner) => joiner.joinsAfterStep !== step);
    };
  }
  await coordinate(coordinatorConfig.parse(given), {
    givenKeys: new Set(Object.keys(given)),
    signal: controller.signal,
    log: createLogger('coordinator', { level: process.env['DEBUG_LOG'] ? 'debug' : 'silent' }),
    announce: (announcement) => {
      if ('finished' in announcement) return void (finished = announcement.finished);
      address = announcement.listening;
      scripts.forEach(start);
    },
  });
  return { workers, finished, reasons: await Promise.all(ends) };
}

const linesOf = (name: string) =>
  readFileSync(path.join(folder, 'run', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const metrics = () =>
  linesOf('metrics.jsonl') as { step: number; loss: number; lr: number; tokens: number; workers: number }[];

const latest = () => readFileSync(path.join(folder, 'run/checkpoints/LATEST'), 'utf8').trim();

const wholeSums = [1, 2, 3, 4].map((step) => treeSum(step, 0, 4, 4));
const sumsOf = (worker: ScriptedWorker | undefined) =>
  [1, 2, 3, 4].map((step) => worker?.gradients.get(step));

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
    expect(readdirSync(path.join(folder, 'run/checkpoints')).toSorted()).toEqual(['LATEST', 'step-00000004']);
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

  it('says that a finished run has nothing left to train, and does not wait for workers', async () => {
    await run([{ name: 'a' }]);
    const { finished, workers } = await run([{ name: 'a' }], { resume: true });
    expect(finished).toBe(path.join(folder, 'run/checkpoints/step-00000004'));
    expect(workers).toEqual([]);
  });

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

  it('sends a worker away whose replica went astray, and goes back to where all agreed', async () => {
    const digest = (step: number) => (step >= 3 ? 'flipped' : `state of step ${step}`);
    const scripts = [{ name: 'a' }, { name: 'b', digest }, { name: 'c' }];
    const { workers, reasons } = await run(scripts, { digestEvery: 1, checkpointEvery: 2 });
    expect(reasons[1]).toMatch(/After step 3 the replica of b differs/);
    expect(workers[0]!.fetched).toEqual([2]);
    expect(sumsOf(workers[0])).toEqual(wholeSums);
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
