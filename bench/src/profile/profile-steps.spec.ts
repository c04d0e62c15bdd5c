import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stageOf, startEngine } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { Captioner, RandomStream, languageModelConfig, mapperConfig, precisionConfig } from '@captrain/model';
import { writeTinyGpt2 } from '@captrain/model/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledStep } from './compiled-step.js';
import { profileSteps } from './profile-steps.js';
import { reportOf, tablesOf } from './report.js';
import { STAGES } from './stage-recorder.js';

const DIM = 8;
const batch = {
  embeddings: new RandomStream(1, 'embeddings').normal(2 * DIM, 1),
  tokens: [
    [1, 2, 3],
    [4, 5, 6, 7],
  ],
};
const { signal } = new AbortController();
let folder: string;
let captioner: Captioner;

beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  folder = mkdtempSync(path.join(tmpdir(), 'captrain-profile-'));
  writeTinyGpt2(folder);
  const config = {
    ...mapperConfig.parse({ mapper: 'mlp', prefixLength: 4 }),
    ...languageModelConfig.parse({ languageModel: folder }),
    ...precisionConfig.parse({}),
  };
  captioner = await Captioner.create({ config, embeddingDim: DIM, seed: 1 });
});

afterAll(() => {
  captioner.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a step goes through its stages in order, and every op is in the one that it belongs to', () => {
  const step = compiledStep(captioner, batch);
  const { steps, plainMs, profiledMs } = profileSteps(step, 2, signal);
  step.close();
  expect(Math.min(plainMs, profiledMs)).toBeGreaterThan(0);
  expect(steps).toHaveLength(2);
  for (const { ops, marks } of steps) {
    // The end of the forward pass and the beginning of the backward one may take turns.
    expect([...new Set(marks.map(({ stage }) => stage))]).toEqual([...STAGES]);
    const during = (name: string) =>
      ops.filter((op) => stageOf(op, new Set(STAGES), marks) === name).map(({ op }) => op);
    expect(during('forward')).toContain('CaptrainAttention');
    expect(during('forward')).toContain('CaptrainCrossEntropy');
    expect(during('backward')).toContain('CaptrainAttentionGrad');
    expect(during('exchange')).toEqual(['CaptrainCopyOut']);
    expect(during('update')).toContain('CaptrainAdamW');
    expect(during('forward').filter((op) => op.includes('Grad'))).toEqual([]);
    expect(during('other').filter((op) => op !== '_Retval')).toEqual([]);
  }
});

test("the stages' times, and the ops' with the time in which none runs, add up to the step's", () => {
  const step = compiledStep(captioner, batch);
  const report = reportOf(profileSteps(step, 2, signal).steps);
  step.close();
  const stages = report.stages.reduce((sum, { opsUs, idleUs }) => sum + opsUs + idleUs, 0) / 1000;
  const ops = report.ops.reduce((sum, { wallMs }) => sum + wallMs, 0) + report.idleMs;
  expect(stages).toBeCloseTo(report.wallMs, 3);
  expect(ops).toBeCloseTo(report.wallMs, 3);
  const table = tablesOf(report, 3);
  for (const stage of STAGES) expect(table).toContain(stage);
  expect(table).toContain(report.ops[0]!.op);
  expect(table).toContain('no op running');
});

test('profiling leaves no tensors', async () => {
  await expectNoLeak(() => {
    const step = compiledStep(captioner, batch);
    profileSteps(step, 1, signal);
    step.close();
  });
});
