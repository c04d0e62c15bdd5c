import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openStore, readManifest } from '@captrain/data';
import { type Minio, startMinio } from '@captrain/data/testing';
import { sha256 } from '@captrain/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, untilStep } from '../src/testing/status.js';
import { images, writeDataset, writeSmallGpt2 } from './support/flickr8k.js';
import { Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

// Real photographs, real captions, GPT-2's real vocabulary, S3 in a real MinIO: learnt by heart by two workers.
const folder = temporaryFolder();
const languageModel = path.join(folder, 'gpt2');
const references = path.join(folder, 'references.json');
const encoder = path.resolve(import.meta.dirname, '../../apps/cli/assets/demo/clip');

const CHECKPOINT_EVERY = 20;
const flags = [
  ...['--language-model', languageModel, '--workers', '2', '--batch-size', '70', '--microbatches', '2'],
  ...['--steps', '100', '--learning-rate', '0.002', '--warmup-steps', '10', '--schedule', 'constant'],
  ...[
    '--checkpoint-every',
    String(CHECKPOINT_EVERY),
    '--keep-checkpoints',
    '0',
    '--seed',
    '1',
    '--threads',
    '1',
  ],
];

let minio: Minio | undefined;
let env: Record<string, string>;
let store: string;
let names: string[];

beforeAll(async () => {
  minio = await startMinio();
  await minio?.createBucket('captrain');
  env = minio?.env ?? {};
  store = minio ? 's3://captrain/flickr8k' : path.join(folder, 'store');
  names = writeDataset(path.join(folder, 'dataset'), references);
  writeSmallGpt2(languageModel);
}, 900_000);
afterAll(() => minio?.close());

async function succeed(...args: string[]) {
  const ended = await captrain(args, { env, timeoutSeconds: 1500 });
  expect({ code: ended.code, err: ended.code === 0 ? '' : ended.err }).toEqual({ code: 0, err: '' });
  return ended.out;
}

/** Digests of a checkpoint's files. */
async function digestsOf(run: string, step: number) {
  const checkpoint = (await openStore(run, { ...process.env, ...env })).child(
    `checkpoints/step-${String(step).padStart(8, '0')}`,
  );
  const digests: Record<string, string> = {};
  for await (const { path: file } of checkpoint.list()) digests[file] = sha256(await checkpoint.get(file));
  return digests;
}

test('14 photographs are embedded with their five captions each', async () => {
  const args = ['--dataset', path.join(folder, 'dataset'), '--format', 'flickr8k', '--images', images];
  await succeed('embed', ...args, '--encoder', encoder, '--out', `${store}/embeddings`);
  const manifest = await readManifest(await openStore(`${store}/embeddings`, { ...process.env, ...env }));
  expect(manifest.content.totals).toMatchObject({ rows: 14, captions: 70 });
});

test('two workers learn the captions by heart', async () => {
  await succeed('train', '--data', `${store}/embeddings`, '--run', `${store}/runs/whole`, ...flags);
  const predictions = path.join(folder, 'predictions.json');
  const data = ['--data', `${store}/embeddings`, '--split', 'train'];
  await succeed('caption', '--run', `${store}/runs/whole`, ...data, '--out', predictions);
  const captions = JSON.parse(readFileSync(predictions, 'utf8')) as { image_id: string; caption: string }[];
  expect(captions.map(({ image_id }) => image_id).toSorted()).toEqual(names);
  const scores = await succeed(
    'evaluate',
    '--predictions',
    predictions,
    '--references',
    references,
    '--json',
  );
  expect((JSON.parse(scores) as { bleu4: number }).bleu4).toBeGreaterThan(0.6);
}, 1_500_000);

test('a caption for a picture file is the one for its stored embedding', async () => {
  const predictions = JSON.parse(readFileSync(path.join(folder, 'predictions.json'), 'utf8')) as {
    image_id: string;
    caption: string;
  }[];
  const out = await succeed('caption', '--run', `${store}/runs/whole`, path.join(images, names[0]!));
  expect(out).toContain(predictions.find(({ image_id }) => image_id === names[0])!.caption);
});

test('an export from the store writes the same caption, from any folder', async () => {
  const out = path.join(folder, 'exported');
  await succeed('export', '--run', `${store}/runs/whole`, '--out', out);
  const picture = path.join(images, names[0]!);
  const ofRun = await succeed('caption', '--run', `${store}/runs/whole`, picture);
  expect(await succeed('caption', '--model', out, '--encoder', encoder, picture)).toBe(ofRun);
});

test('a run stopped on its way and resumed goes on bit for bit', async () => {
  const run = `${store}/runs/stopped`;
  const trainUntil = async (step: number, args: string[]) => {
    const port = await freePort();
    const all = ['train', '--run', run, ...args, '--port', String(port)];
    const program = new Program('captrain', all, { env, timeoutSeconds: 1500 });
    await untilStep(port, step, 900);
    program.killGroup('SIGINT');
    const { code, out } = await program.ended;
    expect(code).toBe(130);
    expect(out).toContain(`Go on with: captrain train --run ${run} --resume`);
  };
  await trainUntil(4, ['--data', `${store}/embeddings`, ...flags]);
  await trainUntil(CHECKPOINT_EVERY, ['--resume', '--workers', '1']);
  expect(await digestsOf(run, CHECKPOINT_EVERY)).toEqual(
    await digestsOf(`${store}/runs/whole`, CHECKPOINT_EVERY),
  );
}, 1_500_000);
