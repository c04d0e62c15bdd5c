import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '@captrain/model';
import { beforeAll, describe, expect, test } from 'vitest';
import { metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { freePort, untilStep } from '../src/testing/status.js';
import { runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

const runOf = (name: string) => runFolder(folder, name);
/** 12 steps: rounds of 5, 5 and 2, over the ends of epochs; the last island has no part of an epoch's last batch. */
const flagsOf = (name: string, ...more: string[]) => [
  ...['train', ...tinyRun(inputs, runOf(name), 3), '--dropout', '0.1', '--ledger', ...more],
];
const rounds = ['--local-steps', '5'];

async function train(name: string, ...more: string[]) {
  const { code, err } = await captrain(flagsOf(name, ...more));
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return newestCheckpoint(runOf(name));
}

/** The captions that each step was trained on. */
function ledgerOf(name: string): { step: number; epoch: number; samples: number[] }[] {
  const lines = readFileSync(path.join(runOf(name), 'ledger.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as ReturnType<typeof ledgerOf>[number]);
}

function values(name: string, file: string): Float32Array[] {
  const place = path.join(runOf(name), 'checkpoints', newestCheckpoint(runOf(name)).name, file);
  return [...readSafetensors(place).tensors.values()].map((tensor) => tensor.read());
}

describe('a run with local steps', () => {
  test('ends in the same bytes with 1, 2 and 4 workers, and whoever adds up', async () => {
    const alone = await train('1', ...rounds);
    expect(alone.name).toBe('step-00000012');
    expect(Object.keys(alone.digests)).toContain('outer.safetensors');
    expect(await train('2', ...rounds, '--workers', '2', '--reduce', 'workers')).toEqual(alone);
    expect(await train('4', ...rounds, '--workers', '4')).toEqual(alone);
    const [one, four] = [metricsOf(runOf('1')), metricsOf(runOf('4'))];
    expect(one.map(({ step, captions }) => [step, captions])).toEqual([
      [5, 92],
      [10, 92],
      [12, 32],
    ]);
    expect(four.map(({ loss }) => loss)).toEqual(one.map(({ loss }) => loss));
    // Rounds go over the ends of epochs, each of which has every caption once all the same.
    const ledger = ledgerOf('1');
    expect(ledger.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    for (const epoch of [0, 1, 2]) {
      const seen = ledger.filter((line) => line.epoch === epoch).flatMap(({ samples }) => samples);
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 72 }, (_, i) => i));
    }
    expect(ledgerOf('4')).toEqual(ledger);
  });

  test('that loses a worker in a round ends in those bytes too', async () => {
    const port = await freePort();
    const more = [...rounds, '--workers', '2', '--port', String(port)];
    const program = new Program('captrain', flagsOf('killed', ...more));
    await untilStep(port, 5);
    const worker = program.processes().find(({ command }) => command.includes('worker-1'));
    process.kill(worker!.pid, 'SIGKILL');
    const { code, err } = await program.ended;
    expect(err).toContain('worker-1 ended (SIGKILL); starting it again');
    expect(code).toBe(0);
    expect(newestCheckpoint(runOf('killed'))).toEqual(newestCheckpoint(runOf('1')));
    expect(ledgerOf('killed')).toEqual(ledgerOf('1'));
  });

  test('stopped and resumed with another number of workers, ends in those bytes too', async () => {
    const port = await freePort();
    const more = [...rounds, '--workers', '1', '--port', String(port), '--checkpoint-every', '1'];
    const program = new Program('captrain', flagsOf('stopped', ...more));
    await untilStep(port, 5);
    program.killGroup('SIGINT');
    expect((await program.ended).out).toMatch(/^Stopped at step (5|10) of 12/);
    const resumed = await captrain([
      'train',
      '--run',
      runOf('stopped'),
      '--resume',
      '--workers',
      '3',
      '--ledger',
    ]);
    expect(resumed.code).toBe(0);
    expect(newestCheckpoint(runOf('stopped'))).toEqual(newestCheckpoint(runOf('1')));
  });

  test('of one island that is followed all the way trains as without them, up to rounding', async () => {
    await train('synchronous');
    const followed = ['--islands', '1', '--outer-learning-rate', '1', '--outer-momentum', '0'];
    await train('one-island', ...rounds, ...followed);
    expect(ledgerOf('one-island')).toEqual(ledgerOf('synchronous'));
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const expected = values('synchronous', file);
      const differences = values('one-island', file).flatMap((array, i) =>
        [...array].map((value, j) => Math.abs(value - expected[i]![j]!)),
      );
      expect(differences.reduce((most, value) => Math.max(most, value))).toBeLessThan(1e-6);
    }
  });

  test('is refused where the islands do not share the microbatches', async () => {
    const { code, err } = await captrain(flagsOf('odd', ...rounds, '--islands', '3'));
    expect(code).toBe(2);
    expect(err).toContain('multiple of the islands');
  });
});
