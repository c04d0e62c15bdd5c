import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memorySource } from '../byte-source.js';
import { openWeights } from '../open-weights.js';
import { readPytorch } from './read-pytorch.js';

// Made by testing/fixtures/make-pytorch.py, with what PyTorch itself reads from them.
const fixtures = fileURLToPath(new URL('../../../testing/fixtures/pytorch/', import.meta.url));
const fixture = (name: string) => path.join(fixtures, name);
type Expected = Record<string, { dtype: string; shape: number[]; values?: number[] }>;
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as Record<string, Expected>;

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-pytorch-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => startEngine({ device: 'cpu' }));

describe('what PyTorch reads is read, by name, dtype, shape and value', () => {
  test.each(Object.entries(expected))('%s', async (name, tensors) => {
    const file = await openWeights(fixture(name));
    expect(file.place).toBe(fixture(name));
    for (const [key, { dtype, shape, values }] of Object.entries(tensors)) {
      const tensor = file.tensors.get(key)!;
      expect(tensor, key).toMatchObject({ dtype, shape });
      if (values !== undefined) expect([...tensor.read()], key).toEqual(values);
      else expect(() => tensor.read(), key).toThrow(/where floats are needed/);
    }
    // A TorchScript module has its attributes beside its state dict's.
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
  });
});

test('tensors come as those of TensorFlow too, views in their own order', () =>
  expectNoLeak(async () => {
    for (const name of ['zip.pt', 'legacy.pt'])
      for (const [key, entry] of (await openWeights(fixture(name))).tensors) {
        const { shape, values } = expected[name]![key]!;
        if (values === undefined) continue;
        const tensor = entry.tensor();
        expect(tensor.shape).toEqual(shape);
        expect([...tensor.dataSync()], key).toEqual(values);
        tf.dispose(tensor);
      }
  }));

describe('what asks for more than tensors is refused, and named', () => {
  const cases: [string, RegExp][] = [
    ['hostile-system.pt', /asks for posix\.system, .*nothing is executed; save the state dict alone/],
    ['hostile-system-legacy.pt', /asks for posix\.system/],
    ['hostile-eval.pt', /asks for builtins\.eval/],
    ['hostile-popen.pt', /asks for subprocess\.Popen/],
    ['whole-module.pt', /asks for torch\.nn\.modules\.linear\.Linear/],
    ['sparse.pt', /asks for torch\._utils\._rebuild_sparse_tensor/],
    ['expanded.pt', /tensor wide of shape \[1000\] is more than its storage holds/],
    ['compressed.pt', /compressed or encrypted record/],
    ['big-endian.pt', /values in big-endian order/],
    ['twice.pt', /two records repacked\/data\/1/],
    ['missing-storage.pt', /no record data\/1/],
    ['short-storage.pt', /storage 0 has 22 bytes for 6 values of F32/],
    ['no-pickle.pt', /without the one data\.pkl/],
  ];
  test.each(cases)('%s', async (name, message) => {
    await expect(openWeights(fixture(name))).rejects.toThrow(UserError);
    await expect(openWeights(fixture(name))).rejects.toThrow(message);
    await expect(openWeights(fixture(name))).rejects.toThrow(name);
    expect(existsSync('/tmp/captrain-was-executed')).toBe(false);
  });

  test('a file of another kind, and the pointer that Git LFS leaves in place of one', async () => {
    const other = path.join(folder, 'other.pt');
    writeFileSync(other, '<!doctype html>');
    await expect(openWeights(other)).rejects.toThrow(/neither a safetensors file nor one of PyTorch/);
    writeFileSync(other, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n');
    await expect(openWeights(other)).rejects.toThrow(/Git LFS's pointer/);
    writeFileSync(other, '');
    await expect(openWeights(other)).rejects.toThrow(UserError);
  });
});

/** Reads all of it: true, or false where it is refused. Any other error is thrown. */
async function reads(bytes: Buffer): Promise<boolean> {
  try {
    for (const tensor of (await readPytorch(memorySource(bytes, 'the file'))).tensors.values())
      if (/^B?F\d+$/.test(tensor.dtype)) tensor.read();
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

describe.each(['tensor.pt', 'legacy.pt', 'nested.pt'])('damaged: %s', (name) => {
  const whole = readFileSync(fixture(name));

  test('cut anywhere, it is refused', async () => {
    for (let length = 0; length < whole.length; length++)
      expect(await reads(whole.subarray(0, length)), `${length} bytes`).toBe(false);
  });

  test('with any byte changed it is read or refused, and never another error', async () => {
    for (let at = 0; at < whole.length; at++)
      for (const byte of [whole[at]! ^ 1, whole[at]! ^ 0x80, 0xff]) {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        await reads(bytes);
      }
  });
});

test('a file that becomes shorter after it was opened is refused, naming the tensor', async () => {
  const file = path.join(folder, 'shrinking.pt');
  writeFileSync(file, readFileSync(fixture('legacy.pt')));
  const { tensors } = await openWeights(file);
  truncateSync(file, 100);
  for (const key of ['linear.weight', 'transposed']) {
    expect(() => tensors.get(key)!.read()).toThrow(UserError);
    expect(() => tensors.get(key)!.tensor()).toThrow(UserError);
    expect(() => tensors.get(key)!.tensor()).toThrow(key);
  }
});
