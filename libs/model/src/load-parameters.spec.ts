import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { UserError, sha256OfFile } from '@captrain/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadParameters } from './load-parameters.js';
import { openModelWeights, weightFiles } from './weights/model-weights.js';
import { writeSafetensors, type TensorToWrite } from './weights/write-safetensors.js';
import { writeSafetensorsFile, writeWeights } from './weights/write-weights.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-load-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeAll(() => startEngine({ device: 'cpu' }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(root, 'model-'));
});

const tensors = new Map<string, TensorToWrite>([
  ['a', { shape: [2], data: new Float32Array([1, 2]) }],
  ['b', { shape: [2, 2], data: new Float32Array([3, 4, 5, 6]) }],
  ['c', { shape: [1], data: new Float32Array([7]) }],
]);
const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
const INDEX = 'model.safetensors.index.json';

async function load(place = folder): Promise<Record<string, readonly number[]>> {
  const parameters = await loadParameters(place, shapes);
  const values = [...parameters].map(([name, tensor]) => [name, [...tensor.dataSync()]] as const);
  tf.dispose([...parameters.values()]);
  return Object.fromEntries(values);
}
const loaded = { a: [1, 2], b: [3, 4, 5, 6], c: [7] };

test('weights in one file and in shards are the same, and leave no tensor behind', async () => {
  const [file] = writeWeights(folder, tensors);
  expect(file).toMatchObject({
    name: 'model.safetensors',
    bytes: writeSafetensors(tensors, { format: 'pt' }).length,
  });
  expect(file!.sha256).toBe(await sha256OfFile(path.join(folder, 'model.safetensors')));
  await expectNoLeak(async () => expect(await load()).toEqual(loaded));
  const shards = writeWeights(folder, tensors, { maxShardBytes: 16 });
  expect(shards.map(({ name }) => name)).toEqual([1, 2, 3].map((n) => `model-0000${n}-of-00003.safetensors`));
  expect(readdirSync(folder)).not.toContain('model.safetensors');
  expect(weightFiles(folder)).toEqual(shards.map(({ name }) => path.join(folder, name)));
  expect(JSON.parse(readFileSync(path.join(folder, INDEX), 'utf8'))).toMatchObject({
    metadata: { total_size: 28 },
  });
  await expectNoLeak(async () => expect(await load()).toEqual(loaded));
  writeWeights(folder, tensors);
  expect(await load()).toEqual(loaded);
});

test("PyTorch's weights are taken where there is no safetensors, and any weight file by its own name", async () => {
  const fixture = fileURLToPath(new URL('../testing/fixtures/pytorch/nested.pt', import.meta.url));
  copyFileSync(fixture, path.join(folder, 'pytorch_model.bin'));
  const expected = ['state_dict.weight', 'optimizer.state.0.step'];
  for (const place of [folder, fixture])
    expect([...(await openModelWeights(place)).tensors.keys()]).toEqual(expect.arrayContaining(expected));
  writeWeights(folder, tensors);
  expect(await load()).toEqual(loaded);
});

test('a folder without weights is told what is looked for; no folder, and a disk that refuses, are told too', async () => {
  await expect(load()).rejects.toThrow(
    `${folder} has none of model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json`,
  );
  await expect(load(path.join(folder, 'none'))).rejects.toThrow(/there is no model folder/);
  const lost = path.join(folder, 'none', 'model.safetensors');
  expect(() => writeSafetensorsFile(lost, tensors)).toThrow(UserError);
  expect(() => writeSafetensorsFile(lost, tensors)).toThrow(`cannot write ${lost}`);
});

test('missing, unexpected and misshapen tensors are listed together', async () => {
  const wrong = new Map([...tensors, ['d', tensors.get('a')!]] as const);
  wrong.delete('a');
  wrong.set('b', { shape: [4], data: new Float32Array(4) });
  writeWeights(folder, wrong);
  await expect(load()).rejects.toThrow(UserError);
  await expect(load()).rejects.toThrow(
    /a is missing; b has shape \[4\] instead of \[2, 2\]; d is unexpected/,
  );
});

test('two names that become one are refused', async () => {
  writeWeights(folder, tensors);
  const rename = () => 'a';
  await expect(loadParameters(folder, shapes, rename)).rejects.toThrow(/holds a twice/);
});

test('a fault in the middle of loading leaves no tensor behind', () => {
  const faulty = new Map([...tensors, ['c', { shape: [1], data: new Float32Array([NaN]) }]] as const);
  writeWeights(folder, faulty);
  return expectNoLeak(() =>
    expect(load()).rejects.toThrow(/value 0 is NaN in tensor c of .*model\.safetensors/),
  );
});

describe('an index that its shards contradict is refused by name', () => {
  const first = 'model-00001-of-00003.safetensors';
  type Index = { weight_map: Record<string, unknown> };
  const cases: [string, (index: Index) => unknown, RegExp][] = [
    [
      'a missing file',
      ({ weight_map }) => (weight_map['a'] = 'gone.safetensors'),
      /names gone\.safetensors, which is missing/,
    ],
    [
      'a file elsewhere',
      ({ weight_map }) => (weight_map['a'] = `../x/${first}`),
      /names \.\.\/x\/.*, which is no file of its folder/,
    ],
    [
      'the folder above',
      ({ weight_map }) => (weight_map['a'] = '..'),
      /names \.\., which is no file of its folder/,
    ],
    ['no name', ({ weight_map }) => (weight_map['a'] = 1), /places tensor a in 1/],
    [
      'a tensor that its shard lacks',
      ({ weight_map }) => (weight_map['z'] = first),
      /00001-of-00003.safetensors lacks tensor z/,
    ],
    [
      'a tensor in another shard',
      ({ weight_map }) => (weight_map['b'] = first),
      /-00001-of-00003.safetensors lacks tensor b/,
    ],
    ['no map', (index) => (index.weight_map = [] as never), /has no weight_map/],
  ];
  test.each(cases)('%s', async (_, change, message) => {
    writeWeights(folder, tensors, { maxShardBytes: 16 });
    const file = path.join(folder, INDEX);
    const index = JSON.parse(readFileSync(file, 'utf8')) as Index;
    change(index);
    writeFileSync(file, JSON.stringify(index));
    await expect(load()).rejects.toThrow(UserError);
    await expect(load()).rejects.toThrow(message);
  });

  test('a tensor in two shards, one that no line lists, and a name that the index has twice', async () => {
    writeWeights(folder, tensors, { maxShardBytes: 16 });
    writeSafetensorsFile(path.join(folder, first), new Map([...tensors].slice(0, 2)));
    await expect(load()).rejects.toThrow(/-00001-.* holds tensor b, which .*places in .*-00002-/);
    writeSafetensorsFile(
      path.join(folder, first),
      new Map([...tensors].slice(0, 1)).set('x', tensors.get('c')!),
    );
    await expect(load()).rejects.toThrow(/-00001-.* holds tensor x, which .*does not list/);
    writeFileSync(path.join(folder, INDEX), `{"weight_map":{"a":"${first}","a":"${first}"}}`);
    await expect(load()).rejects.toThrow(/the name "a" stands in it twice/);
  });
});
