import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '@captrain/model';
import { beforeAll, describe, expect, test } from 'vitest';
import { metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { freePort, statusAt, untilStep } from '../src/testing/status.js';
import { runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { until } from '../src/testing/until.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

/** Processes that sum load TensorFlow, too: that takes a while on a machine that is busy with other things. */
const patient = { timeoutSeconds: 240 };
const EPOCHS = 3;
const STEPS = 12;

const runOf = (name: string) => runFolder(folder, name);
const flagsOf = (name: string, epochs: number, ...more: string[]) => [
  ...['train', ...tinyRun(inputs, runOf(name), epochs), '--dropout', '0.1', '--digest-every', '2', ...more],
];

async function train(name: string, ...more: string[]) {
  const { code, err } = await captrain(flagsOf(name, EPOCHS, ...more), patient);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return newestCheckpoint(runOf(name));
}

/** The largest difference between two runs' weights. */
function difference(a: string, b: string): number {
  const weights = (name: string) => {
    const run = runOf(name);
    const file = path.join(run, 'checkpoints', newestCheckpoint(run).name, 'model.safetensors');
    return [...readSafetensors(file).tensors.values()].map((tensor) => tensor.read());
  };
  const others = weights(b);
  return weights(a)
    .flatMap((values, i) => [...values].map((value, j) => Math.abs(value - others[i]![j]!)))
    .reduce((most, value) => Math.max(most, value));
}

const configOf = (name: string) =>
  JSON.parse(readFileSync(path.join(runOf(name), 'config.json'), 'utf8')) as { collectiveSince?: number };

describe('a run with --reduce collective', { timeout: 600_000 }, () => {
  test('ends where others do, but for rounding, and in the same bytes each time', async () => {
    await train('exact');
    for (const workers of ['2', '3']) {
      const collective = ['--reduce', 'collective', '--workers', workers];
      const first = await train(`of-${workers}`, ...collective);
      expect(first.name).toBe(`step-000000${STEPS}`);
      expect(difference(`of-${workers}`, 'exact')).toBeLessThan(1e-5);
      const losses = (name: string) => metricsOf(runOf(name)).map(({ loss }) => loss);
      for (const [i, loss] of losses(`of-${workers}`).entries())
        expect(Math.abs(loss - losses('exact')[i]!)).toBeLessThan(1e-5);
      expect(configOf(`of-${workers}`).collectiveSince).toBe(1);
      const again = await train(`of-${workers}-again`, ...collective);
      expect(again).toEqual(first);
    }
  });

  test('goes on with the rest when a worker is killed in mid-sum', async () => {
    const port = await freePort();
    const args = flagsOf(
      'killed',
      EPOCHS,
      '--reduce',
      'collective',
      '--workers',
      '3',
      '--port',
      String(port),
    );
    const coordinator = new Program('coordinator', args.slice(1), patient);
    const worker = (name: string, env = {}) =>
      new Program('worker', ['--coordinator', `127.0.0.1:${port}`, '--name', name], { ...patient, env });
    const others = [worker('a'), worker('b')];
    const killed = worker('c', { CAPTRAIN_FAULT: 'mid-upload@5' });
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    expect((await coordinator.ended).code).toBe(0);
    for (const { ended } of others) expect((await ended).code).toBe(0);
    const workers = metricsOf(runOf('killed')).map((line) => line.workers);
    expect(workers).toEqual([3, 3, 3, 3, ...Array<number>(STEPS - 4).fill(2)]);
    expect(difference('killed', 'exact')).toBeLessThan(1e-5);
    for (const program of [killed, ...others])
      await until('no process is left', () => program.processes().length === 0 || undefined);
  });

  test('loses nothing but a process when one that sums is killed', async () => {
    const port = await freePort();
    const more = ['--reduce', 'collective', '--workers', '2', '--port', String(port)];
    const program = new Program('captrain', flagsOf('process-killed', 12, ...more), patient);
    const { step } = await untilStep(port, 3, 120);
    const before = program.processes().filter(isSumming);
    expect(before).toHaveLength(2);
    process.kill(before[0]!.pid, 'SIGKILL');
    await untilStep(port, step + 4, 120);
    const { workers } = (await statusAt(port))!;
    expect(workers.map(({ state }) => state)).not.toContain('WORKER_STATE_LOST');
    const after = program.processes().filter(isSumming);
    expect(after.filter(({ pid }) => before.some((other) => other.pid === pid))).toEqual([]);
    expect((await program.ended).code).toBe(0);
    expect(metricsOf(runOf('process-killed')).map((line) => line.workers)).toEqual(Array<number>(48).fill(2));
  });

  test('is stopped, and goes on with another number of workers and another --reduce', async () => {
    const port = await freePort();
    const more = ['--reduce', 'collective', '--workers', '2', '--port', String(port)];
    const program = new Program('captrain', flagsOf('stopped', EPOCHS, ...more), patient);
    await untilStep(port, 3, 120);
    program.killGroup('SIGINT');
    expect((await program.ended).out).toMatch(/^Stopped at step \d+ of 12/);
    await until('no process is left', () => program.processes().length === 0 || undefined);
    const resume = ['train', '--run', runOf('stopped'), '--resume', '--workers', '3', '--reduce', 'workers'];
    expect((await captrain(resume, patient)).code).toBe(0);
    expect(difference('stopped', 'exact')).toBeLessThan(1e-5);
    expect(configOf('stopped').collectiveSince).toBe(1);
  });

  test('ends with a checkpoint and a way to go on when sums fail again and again', async () => {
    const port = await freePort();
    const more = ['--reduce', 'collective', '--workers', '2', '--port', String(port)];
    const program = new Program('captrain', flagsOf('hopeless', 25, ...more), patient);
    await untilStep(port, 3, 120);
    // No group lives long enough for another sum.
    const killer = setInterval(() => {
      for (const { pid } of program.processes().filter(isSumming)) end(pid);
    }, 50);
    const { code, err } = await program.ended.finally(() => clearInterval(killer));
    expect(code).toBe(2);
    const [, step] =
      /The collective sum of the gradients after step (\d+) fails again and again \(.+\); .*--resume --reduce workers/.exec(
        err,
      ) ?? [];
    const { name } = newestCheckpoint(runOf('hopeless'));
    expect(Number(name.replace('step-', ''))).toBe(Number(step));
    await until('no process is left', () => program.processes().length === 0 || undefined);
    const resume = ['train', '--run', runOf('hopeless'), '--resume', '--workers', '2'];
    const again = new Program(
      'captrain',
      [...resume, '--reduce', 'workers', '--port', String(port)],
      patient,
    );
    await untilStep(port, Number(step) + 10, 120);
    again.killGroup('SIGINT');
    expect((await again.ended).out).toMatch(/^Stopped at step \d+ of 100/);
    expect((await captrain([...resume, '--reduce', 'coordinator'], patient)).code).toBe(0);
    expect(metricsOf(runOf('hopeless')).map(({ step }) => step)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });

  test('takes rounds of local steps', async () => {
    const rounds = ['--local-steps', '5', '--islands', '2'];
    await train('rounds', ...rounds);
    await train('rounds-of-2', ...rounds, '--workers', '2', '--reduce', 'collective');
    expect(difference('rounds-of-2', 'rounds')).toBeLessThan(1e-5);
  });

  test('is refused with what TensorFlow cannot sum', async () => {
    const { code, err } = await captrain(
      flagsOf('refused', EPOCHS, '--reduce', 'collective', '--exchange', 'bf16'),
    );
    expect(code).toBe(2);
    expect(err).toContain('--reduce collective does not go with --exchange bf16');
  });
});

function isSumming({ command }: { command: string[] }): boolean {
  return command.some((word) => word.endsWith('collective/main.js'));
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}
