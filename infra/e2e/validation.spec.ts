import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { digestsOf, metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { freePort, untilStep } from '../src/testing/status.js';
import { runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder, { val: 30 })));

const runOf = (name: string) => runFolder(folder, name);
/**
 * 12 steps, so long ones that the loss does not only fall; the last of the 22 captions to validate on are a short microbatch.
 */
const flagsOf = (name: string, ...more: string[]) => [
  ...['train', ...tinyRun(inputs, runOf(name), 3), '--dropout', '0.1'],
  ...['--learning-rate', '0.1', '--schedule', 'constant'],
  ...['--checkpoint-every', '2', '--keep-checkpoints', '2', '--validation-captions', '22', ...more],
];

const checkpointsOf = (name: string) => path.join(runOf(name), 'checkpoints');
const best = (name: string) => readFileSync(path.join(checkpointsOf(name), 'BEST'), 'utf8').split('\n')[0]!;

/** Each checkpoint's loss on the validation captions, as the metrics have it. */
function losses(name: string): [number, number][] {
  return metricsOf(runOf(name)).flatMap(({ step, validation_loss: loss }) =>
    loss === undefined ? [] : [[step, loss]],
  );
}

function manifestOf(name: string, checkpoint: string): { validation: Record<string, unknown> } {
  const file = path.join(checkpointsOf(name), checkpoint, 'manifest.json');
  return JSON.parse(readFileSync(file, 'utf8')) as { validation: Record<string, unknown> };
}

async function train(name: string, ...more: string[]): Promise<string> {
  const { code, out, err } = await captrain(flagsOf(name, ...more));
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out;
}

/** All checkpoints, to the last byte; not who moved LATEST and BEST. */
function checkpoints(name: string): Record<string, string> {
  const digests = digestsOf(checkpointsOf(name));
  return Object.fromEntries(Object.entries(digests).filter(([file]) => file.startsWith('step-')));
}

describe('a run over data with a validation split', () => {
  test('keeps the checkpoint of the lowest loss, though older ones go, and names it', async () => {
    const out = await train('1');
    const all = losses('1');
    expect(all.map(([step]) => step)).toEqual([2, 4, 6, 8, 10, 12]);
    const [step, loss] = all.reduce((least, each) => (each[1] < least[1] ? each : least));
    expect(step).toBeLessThan(10);
    expect(best('1')).toBe(`step-${String(step).padStart(8, '0')}`);
    expect(out).toContain(`Best on val: step ${step}, loss ${loss.toFixed(4)} (--checkpoint best)`);
    expect(readdirSync(checkpointsOf('1')).toSorted()).toEqual(
      ['BEST', 'LATEST', best('1'), 'step-00000010', 'step-00000012'].toSorted(),
    );
    expect(manifestOf('1', best('1')).validation).toMatchObject({ split: 'val', loss, captions: 22 });
    const captioner = path.join(folder, 'best');
    const exported = await captrain([
      'export',
      '--run',
      runOf('1'),
      '--checkpoint',
      'best',
      '--out',
      captioner,
    ]);
    expect(exported.out).toBe(`Wrote the captioner of step ${step} to ${captioner}\n`);
  });

  test('writes the same manifests and the same best with 2 workers', async () => {
    await train('2', '--workers', '2');
    expect(checkpoints('2')).toEqual(checkpoints('1'));
    expect([best('2'), losses('2')]).toEqual([best('1'), losses('1')]);
  });

  test('killed while a worker validates, and stopped and resumed, compares with the old best', async () => {
    const port = await freePort();
    const env = { CAPTRAIN_FAULT: 'validating@4' };
    const flags = flagsOf('killed', '--port', String(port)).slice(1);
    const coordinator = new Program('coordinator', [...flags, '--workers', '2']);
    const start = (name: string, options = {}) =>
      new Program('worker', ['--coordinator', `127.0.0.1:${port}`, '--name', name], options);
    const [worker, killed] = [start('a'), start('b', { env })];
    await untilStep(port, 6);
    coordinator.killGroup('SIGINT');
    await Promise.all([coordinator.ended, worker.ended]);
    expect((await killed.ended).signal).toBe('SIGKILL');
    const { code } = await captrain([
      'train',
      '--run',
      runOf('killed'),
      '--resume',
      '--keep-checkpoints',
      '2',
    ]);
    expect(code).toBe(0);
    expect(newestCheckpoint(runOf('killed'))).toEqual(newestCheckpoint(runOf('1')));
    expect([best('killed'), losses('killed')]).toEqual([best('1'), losses('1')]);
  });

  test('validates rounds of local steps, and tells of it in its status', async () => {
    const port = await freePort();
    const rounds = ['--local-steps', '4', '--workers', '2', '--port', String(port)];
    const program = new Program('captrain', flagsOf('rounds', ...rounds));
    const status = await untilStep(port, 8);
    expect(status.validation).toMatchObject({ split: 'val', captions: 22 });
    await program.ended;
    expect(losses('rounds').map(([step]) => step)).toEqual([4, 8, 12]);
    await train('rounds-alone', '--local-steps', '4');
    expect(checkpoints('rounds')).toEqual(checkpoints('rounds-alone'));
  });
});

test('a validation split that is not there is refused at the start', async () => {
  const { code, err } = await captrain(flagsOf('none', '--validation-split', 'dev'));
  expect(code).toBe(2);
  expect(err).toContain('has no split "dev"; it has train, val');
});
