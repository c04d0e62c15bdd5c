import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { digestsOf } from '../src/testing/run-folder.js';
import { freePort } from '../src/testing/status.js';
import { runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { type Ended, Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
let inputs: TinyInputs;
beforeAll(async () => void (inputs = await writeTinyInputs(folder)));

/** One sentence on standard error, exit code 2, no stack. The live view's lines may stand before it. */
function expectSentence({ code, out, err }: Ended, ...words: string[]): void {
  const lines = err.trimEnd().split('\n');
  expect({ code, out, err }).toMatchObject({ code: 2, out: '' });
  expect(lines.at(-1)).toMatch(/^captrain: \S.*\S$/);
  expect(lines.filter((line) => line.startsWith('captrain: '))).toHaveLength(1);
  expect(err).not.toMatch(/^ +at /m);
  for (const word of words) expect(lines.at(-1)).toContain(word);
}

/** A copy of the embeddings to do harm to. */
function copyOfData(name: string): string {
  const copy = path.join(folder, name);
  cpSync(inputs.data, copy, { recursive: true });
  return copy;
}

function train(run: string, ...more: string[]): Promise<Ended> {
  return captrain(['train', ...tinyRun(inputs, run, 1), ...more]);
}

/** Changes the JSON of a file. */
function edit(file: string, change: (json: Record<string, unknown>) => void): void {
  const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  change(json);
  writeFileSync(file, JSON.stringify(json));
}

describe('captrain train refuses', () => {
  const run = () => runFolder(folder, 'refused');
  afterEach(() => expect(existsSync(run()) ? readdirSync(run()) : []).toEqual([]));

  test('a data folder that is not there', async () => {
    const data = path.join(folder, 'absent');
    expectSentence(await train(run(), '--data', data), data);
  });

  test('a language model that is not there', async () => {
    const model = path.join(folder, 'no-model');
    expectSentence(await train(run(), '--language-model', model), model);
  });

  test('a shard that is cut short, naming it', async () => {
    const data = copyOfData('cut');
    truncateSync(path.join(data, 'train-00000.arrow'), 1000);
    expectSentence(await train(run(), '--data', data, '--workers', '2'), 'train-00000.arrow');
  });

  test('shards of another dim than the manifest says', async () => {
    const data = copyOfData('dim');
    edit(path.join(data, 'manifest.json'), (manifest) => (manifest['dim'] = 512));
    expectSentence(await train(run(), '--data', data), 'dim');
  });

  test('a port that is taken, naming it', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expectSentence(await train(run(), '--port', String(port)), `Port ${port}`, 'is taken');
    server.close();
  });

  test('a run folder that cannot be written', async () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, 'not a folder');
    expectSentence(await train(path.join(file, 'run')), path.join(file, 'run'));
    expect(readFileSync(file, 'utf8')).toBe('not a folder');
  });

  test('a batch that does not divide into microbatches', async () => {
    expectSentence(await train(run(), '--batch-size', '21'), '--batch-size', 'multiple of the microbatches');
  });

  test('a new run without data, or without a language model', async () => {
    expectSentence(
      await captrain(['train', '--run', run(), '--language-model', inputs.languageModel]),
      '--data is missing',
    );
    expectSentence(
      await captrain(['train', '--run', run(), '--data', inputs.data]),
      '--language-model is missing',
    );
  });

  test('to resume where there is no run', async () => {
    const absent = runFolder(folder, 'nothing');
    expectSentence(await captrain(['train', '--run', absent, '--resume']), absent, 'no run to resume');
    expect(existsSync(absent)).toBe(false);
  });
});

describe('with a run in its folder, captrain train refuses', () => {
  const run = runFolder(folder, 'held');
  let before: Record<string, string>;
  beforeAll(async () => {
    mkdirSync(run, { recursive: true });
    const program = new Program('captrain', ['train', ...tinyRun(inputs, run, 1)], { forAllTests: true });
    expect((await program.ended).code).toBe(0);
    before = digestsOf(run);
  });

  test('to start another run there', async () => {
    expectSentence(await train(run, '--seed', '8'), run, '--resume');
    expect(digestsOf(run)).toEqual(before);
  });

  test('to resume it with another config, naming what differs', async () => {
    const ended = await captrain(['train', '--run', run, '--resume', '--batch-size', '40']);
    expectSentence(ended, 'batchSize', '20', '40');
    expect(digestsOf(run)).toEqual(before);
  });

  test('to resume it on other data', async () => {
    const manifest = path.join(inputs.data, 'manifest.json');
    const intact = readFileSync(manifest);
    edit(manifest, (json) => (json['encoderRevision'] = 'seed-2'));
    const ended = await captrain(['train', '--run', run, '--resume']);
    writeFileSync(manifest, intact);
    expectSentence(ended, inputs.data, 'not the data');
    expect(digestsOf(run)).toEqual(before);
  });
});

describe('the programs of a cluster refuse', () => {
  test('a coordinator that does not answer', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const worker = new Program('worker', ['--coordinator', address, '--patience', '1']);
    expectSentence(await worker.ended, `No coordinator answers at ${address}`);
  });

  test('an option that does not exist, naming the one that was meant', async () => {
    const coordinator = new Program('coordinator', [
      ...tinyRun(inputs, runFolder(folder, 'x'), 1),
      '--worker',
      '2',
    ]);
    expectSentence(await coordinator.ended, '--worker', '--workers');
  });

  test('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const args = [...tinyRun(inputs, runFolder(folder, 'y'), 1), '--port', String(port)];
    expectSentence(await new Program('coordinator', args).ended, `Port ${port}`);
    server.close();
  });
});
