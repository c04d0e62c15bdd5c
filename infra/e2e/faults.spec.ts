import { beforeAll, describe, expect, test } from 'vitest';
import { metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { freePort, statusAt, untilStep } from '../src/testing/status.js';
import { STEPS_PER_EPOCH, runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { until } from '../src/testing/until.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

const EPOCHS = 6;

/** Starts a run with two workers on a known port. */
async function start(name: string, epochs = EPOCHS) {
  const run = runFolder(folder, name);
  const port = await freePort();
  const args = ['train', ...tinyRun(inputs, run, epochs), '--workers', '2', '--port', String(port)];
  return { run, port, program: new Program('captrain', args) };
}

describe('a run', () => {
  test('that loses a worker by SIGKILL goes on, and ends in the same bytes as one that did not', async () => {
    const undisturbed = runFolder(folder, 'undisturbed');
    expect((await captrain(['train', ...tinyRun(inputs, undisturbed, EPOCHS)])).code).toBe(0);

    const { run, port, program } = await start('worker-killed');
    await untilStep(port, 3);
    const worker = program.processes().find(({ command }) => command.includes('worker-1'));
    process.kill(worker!.pid, 'SIGKILL');
    const { code, err } = await program.ended;
    expect(err).toContain('worker-1 ended (SIGKILL); starting it again');
    expect(code).toBe(0);
    expect(newestCheckpoint(run)).toEqual(newestCheckpoint(undisturbed));
    const workers = metricsOf(run).map((line) => line.workers);
    expect([workers[0], Math.min(...workers)]).toEqual([2, 1]);
    expect(program.processes()).toEqual([]);
  });

  test('whose workers, or whose coordinator, are killed goes on by itself', async () => {
    const { run, port, program } = await start('killed');
    await untilStep(port, 3);
    const kill = (isVictim: (part: string) => boolean) => {
      for (const { pid, command } of program.processes())
        if (command.some(isVictim)) process.kill(pid, 'SIGKILL');
    };
    kill((part) => part.startsWith('worker-'));
    await untilStep(port, 8);
    kill((part) => part.endsWith('coordinator/dist/main.js'));
    const { code, err } = await program.ended;
    expect(err).toContain('coordinator ended (SIGKILL); starting it again');
    expect(code).toBe(0);
    expect(newestCheckpoint(run)).toEqual(newestCheckpoint(runFolder(folder, 'undisturbed')));
    expect(metricsOf(run).map(({ step }) => step)).toEqual(
      Array.from({ length: EPOCHS * STEPS_PER_EPOCH }, (_, i) => i + 1),
    );
    expect(program.processes()).toEqual([]);
  });

  test('leaves no process behind when captrain train itself is killed', async () => {
    const { port, program } = await start('train-killed', 1000);
    await untilStep(port, 2);
    expect(program.processes()).toHaveLength(4);
    program.kill('SIGKILL');
    await program.ended;
    await until('no process is left', () => (program.processes().length === 0 ? true : undefined));
    expect(await statusAt(port)).toBeUndefined();
  });

  test('stopped by Ctrl-C saves its newest step, says how to go on, and ends with 130', async () => {
    const { run, port, program } = await start('interrupted', 1000);
    await untilStep(port, 2);
    program.killGroup('SIGINT');
    const { code, out } = await program.ended;
    expect(code).toBe(130);
    const [first, second] = out.trim().split('\n');
    const step = Number(/^Stopped at step (\d+) of/.exec(first!)?.[1]);
    expect(first).toBe(
      `Stopped at step ${step} of ${1000 * STEPS_PER_EPOCH}: ${run}/checkpoints/step-${String(step).padStart(8, '0')}`,
    );
    expect(second).toBe(`Go on with: captrain train --run ${run} --resume`);
    expect(newestCheckpoint(run).name).toBe(`step-${String(step).padStart(8, '0')}`);
    expect(program.processes()).toEqual([]);
    expect(metricsOf(run)).toHaveLength(step);
    expect(step).toBeGreaterThan(1);
  });
});
