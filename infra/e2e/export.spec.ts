import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { STEPS_PER_EPOCH, runFolder, tinyRun, variants } from '../src/testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

const captions = async (...args: string[]) => {
  const { out } = await captrain(['caption', ...args, '--data', inputs.data, '--split', 'train']);
  return out;
};

test.each(Object.entries(variants))(
  'exported, a captioner captions as its run does, and is trained further from where it stood: %s',
  async (name, flags) => {
    const run = runFolder(folder, name);
    expect((await captrain(['train', ...tinyRun(inputs, run, 3), ...flags])).code).toBe(0);
    const out = path.join(folder, 'captioners', name);
    expect((await captrain(['export', '--run', run, '--out', out])).code).toBe(0);
    expect(await captions('--model', out)).toBe(await captions('--run', run));

    // The learning rate of the first step is 0: its checkpoint is what the run started from.
    const further = runFolder(folder, `${name}, further`);
    const frozen = flags.filter((flag) => flag === '--freeze-language-model');
    const settings = ['--data', inputs.data, '--run', further, '--batch-size', '20', '--microbatches', '4'];
    const start = ['--init', out, '--steps', '1', '--seed', '7', '--device', 'cpu'];
    const trained = await captrain(['train', ...settings, ...start, ...frozen]);
    expect(trained).toMatchObject({ code: 0, err: expect.not.stringContaining('captrain:') as string });
    expect(newestCheckpoint(further).digests['model.safetensors']).toBe(
      newestCheckpoint(run).digests['model.safetensors'],
    );
    expect(metricsOf(further)[0]!.loss).toBeLessThan(metricsOf(run)[STEPS_PER_EPOCH - 1]!.loss);
  },
);

test('a mapper of other shapes, and a folder of another kind, are refused as a start', async () => {
  const out = path.join(folder, 'captioners', Object.keys(variants)[0]!);
  const run = runFolder(folder, 'refused');
  const train = (...args: string[]) =>
    captrain(['train', '--data', inputs.data, '--run', run, '--device', 'cpu', ...args]);
  for (const [args, words] of [
    [['--init', out, '--prefix-length', '3'], 'clip_project.model.2.weight has shape'],
    [['--init', inputs.languageModel], 'is no captioner folder'],
    [['--init', path.join(folder, 'absent')], 'absent'],
  ] as const) {
    const { code, err } = await train(...args);
    expect(code).toBe(2);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^captrain: \S/);
    expect(err).toContain(words);
    expect(existsSync(path.join(run, 'config.json'))).toBe(false);
  }
});

test('a run from a captioner folder records where it started, by absolute paths', () => {
  const config = JSON.parse(
    readFileSync(
      path.join(runFolder(folder, `${Object.keys(variants)[0]!}, further`), 'config.json'),
      'utf8',
    ),
  ) as Record<string, unknown>;
  expect(config['init']).toBe(path.join(folder, 'captioners', Object.keys(variants)[0]!));
  expect(config['languageModel']).toBe(path.join(config['init'] as string, 'language_model'));
});
