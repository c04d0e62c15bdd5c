import { readdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { digestsOf, metricsOf, newestCheckpoint } from '../src/testing/run-folder.js';
import { freePort, untilStep } from '../src/testing/status.js';
import { STEPS_PER_EPOCH, runFolder, tinyRun, variants } from '../src/testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

const EPOCHS = 6;
const STEPS = EPOCHS * STEPS_PER_EPOCH;

describe.each(Object.entries(variants))('a run with %s', (variant, flags) => {
  const runOf = (name: string) => runFolder(folder, `${variant.split(' ')[0]}-${name}`);

  /** Trains from the start to the end; returns the digests of the last checkpoint. */
  async function train(name: string, ...more: string[]) {
    const run = runOf(name);
    const { code, out, err } = await captrain(['train', ...tinyRun(inputs, run, EPOCHS), ...flags, ...more]);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^Trained ${STEPS} steps .*: ${run}/checkpoints/step-000000${STEPS}\n$`));
    return newestCheckpoint(run);
  }

  test('ends in the same bytes with 1, 2 and 4 workers', async () => {
    const alone = await train('1', '--workers', '1');
    expect(alone.name).toBe(`step-000000${STEPS}`);
    expect(Object.keys(alone.digests)).toEqual([
      'manifest.json',
      'model.safetensors',
      'optimizer.safetensors',
    ]);
    expect(await train('2', '--workers', '2')).toEqual(alone);
    expect(await train('4', '--workers', '4')).toEqual(alone);

    const [one, four] = [metricsOf(runOf('1')), metricsOf(runOf('4'))];
    expect(one.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    expect(four.map(({ loss }) => loss)).toEqual(one.map(({ loss }) => loss));
    expect(one.at(-1)!.loss).toBeLessThan(one[0]!.loss);
  });

  test('stopped by Ctrl-C and resumed with another number of workers, ends in those bytes too', async () => {
    const run = runOf('stopped');
    const port = await freePort();
    const program = new Program('captrain', [
      ...['train', ...tinyRun(inputs, run, EPOCHS), ...flags],
      ...['--workers', '2', '--port', String(port)],
    ]);
    await untilStep(port, 5);
    program.killGroup('SIGINT');
    const stopped = await program.ended;
    expect(stopped.code).toBe(130);
    expect(stopped.err).not.toMatch(/^captrain:|^ *at /m);
    const step = Number(/^Stopped at step (\d+) of/.exec(stopped.out)?.[1]);
    expect(step).toBeGreaterThanOrEqual(5);
    expect(step).toBeLessThan(STEPS);
    expect(newestCheckpoint(run).name).toBe(`step-${String(step).padStart(8, '0')}`);

    const command = /^Go on with: captrain (.*)$/m.exec(stopped.out)![1]!.split(' ');
    const resumed = await captrain([...command, '--workers', '3']);
    expect({ code: resumed.code, err: resumed.code === 0 ? '' : resumed.err }).toEqual({ code: 0, err: '' });
    expect(newestCheckpoint(run)).toEqual(newestCheckpoint(runOf('1')));
    expect(metricsOf(run).map(({ step, loss }) => [step, loss])).toEqual(
      metricsOf(runOf('1')).map(({ step, loss }) => [step, loss]),
    );
  });

  test('leaves nothing to train when it is resumed after its end', async () => {
    const run = runOf('2');
    const before = digestsOf(path.join(run, 'checkpoints'));
    const { code, out, err } = await captrain(['train', '--run', run, '--resume', '--workers', '2']);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`${run}/checkpoints/step-000000${STEPS}`);
    expect(digestsOf(path.join(run, 'checkpoints'))).toEqual(before);
    expect(readdirSync(run).toSorted()).toEqual(['LEADER', 'checkpoints', 'config.json', 'metrics.jsonl']);
  });
});
