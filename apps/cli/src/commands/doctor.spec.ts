import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ModelDescription } from '@captrain/model';
import { writeTinyClip, writeTinyGpt2 } from '@captrain/model/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Check } from '../doctor/checks.js';
import { runCaptrain } from '../testing/run-captrain.js';

test('finds a working engine, and storage that can be read', async () => {
  const args = ['doctor', '--device', 'cpu', '--threads', '1', '--storage', tmpdir(), '--json'];
  const { code, out, err } = await runCaptrain(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const checks = JSON.parse(out) as Check[];
  expect(checks.map(({ name }) => name)).toEqual([
    'Node',
    'machine',
    'threads',
    'engine',
    'devices',
    'arithmetic',
    'cache',
    'hub',
    'storage',
  ]);
  expect(checks.every(({ ok }) => ok)).toBe(true);
});

test('names what is not in order, goes on with the rest, and exits with 2', async () => {
  const { code, out, err } = await runCaptrain(['doctor', '--device', 'cpu', '--storage', 'ftp://host/data']);
  expect(code).toBe(2);
  expect(out).toMatch(/✓ +engine/);
  expect(out).toMatch(/✗ +storage +"ftp:\/\/host\/data" is of the kind ftp/);
  expect(err).toBe('captrain: Not in order: storage; see above\n');
});

describe('captrain doctor --model', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'captrain-doctor-'));
  const at = (name: string) => path.join(root, name);
  const checkpoint = (name: string) =>
    path.join(import.meta.dirname, '../../../../libs/model/testing/clipcap', name);
  const doctor = (model: string, ...args: string[]) =>
    runCaptrain(['doctor', '--device', 'cpu', '--model', model, ...args]);
  beforeAll(() => {
    writeTinyGpt2(at('gpt2'));
    writeTinyClip(at('clip'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('says what a language model is, and what memory it takes to train', async () => {
    const { code, out, err } = await doctor(at('gpt2'));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^model +language model \(GPT-2\)/);
    expect(out).toMatch(/2 layers, width 16, 2 heads, 48 positions, gelu_new, tied head/);
    expect(out).toMatch(/parameters +11,472\n/);
    expect(out).toMatch(/memory to train +MLP, fine-tuned +Transformer, frozen\n/);
    expect(out).toMatch(/fits this machine \(.+\) +yes +yes/);
  });

  test('tells scripts the same as JSON', async () => {
    const { out } = await doctor(at('gpt2'), '--json', '--batch-size', '80');
    const described = JSON.parse(out) as ModelDescription & { training: { assumed: object } };
    expect(described).toMatchObject({ kind: 'language model', parameters: 11472 });
    expect(described.training.assumed).toMatchObject({ batchSize: 80, microbatches: 8 });
  });

  test('reckons with local steps', async () => {
    const { out } = await doctor(at('gpt2'), '--local-steps', '32');
    expect(out).toMatch(/rounds of local steps +\d/);
    expect(out).toContain('in rounds of 32 local steps by 4 islands');
  });

  test('knows CLIPs and ClipCap checkpoints', async () => {
    expect((await doctor(at('clip'))).out).toMatch(/^model +CLIP[\s\S]*embedding +24 values/);
    const { out } = await doctor(checkpoint('transformer.pt'));
    expect(out).toMatch(/^model +ClipCap checkpoint/);
    expect(out).toContain(
      'Transformer of 2 layers, 2 clip positions, embeddings of 6 values to a prefix of 4',
    );
    // 3,200 of GPT-2, 396 of the MLP; the file also holds a tied head and masks.
    expect((await doctor(checkpoint('mlp.pt'))).out).toMatch(/parameters +3,596\n/);
    expect((await doctor(checkpoint('mapper-alone.pt'))).out).toMatch(/language model +none in the file/);
  });

  test.each([
    ['a file of other weights', checkpoint('other.pt'), 'no ClipCap checkpoint'],
    ['a folder without a model', root, 'config.json'],
  ])('refuses %s in one sentence', async (_, model, words) => {
    const { code, out, err } = await doctor(model);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*\n$/);
    expect(err).toContain(words);
  });
});
