import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { UserError } from '../user-error.js';
import { parseConfig, resolveConfig } from './resolve-config.js';

const schema = z.strictObject({
  data: z.string().min(1).describe('Folder').meta({ placeholder: 'URI' }),
  mapper: z.enum(['mlp', 'transformer']).default('mlp').describe('Mapper'),
  batchSize: z.int().min(1).max(4096).default(40).describe('Captions'),
  learningRate: z.number().positive().default(2e-5).describe('Rate'),
  resume: z.boolean().default(false).describe('Go on'),
  threads: z
    .union([z.literal('auto'), z.int().positive()])
    .default('auto')
    .describe('Threads'),
  metrics: z
    .array(z.enum(['bleu', 'cider']))
    .default(['bleu'])
    .describe('Metrics'),
});

function file(content: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'captrain-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const name = path.join(folder, 'run.json');
  writeFileSync(name, content);
  return name;
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(UserError);
    return (thrown as Error).message;
  }
  throw new Error('nothing was refused');
}

describe('resolveConfig', () => {
  test('takes a flag before the environment, the environment before the file, the file before the default', () => {
    const sources = {
      flags: { data: 'flag' },
      env: { CAPTRAIN_DATA: 'env', CAPTRAIN_BATCH_SIZE: '8' },
      file: file('{"data": "file", "batchSize": 4, "resume": true}'),
    };
    expect(resolveConfig(schema, sources)).toEqual({
      data: 'flag',
      batchSize: 8,
      resume: true,
      mapper: 'mlp',
      learningRate: 2e-5,
      threads: 'auto',
      metrics: ['bleu'],
    });
  });

  test('reads numbers, switches, lists and either-or values from text', () => {
    const env = {
      CAPTRAIN_DATA: '7',
      CAPTRAIN_LEARNING_RATE: '1e-3',
      CAPTRAIN_RESUME: 'yes',
      CAPTRAIN_THREADS: '4',
      CAPTRAIN_METRICS: 'bleu, cider',
    };
    expect(resolveConfig(schema, { env })).toMatchObject({
      data: '7',
      learningRate: 1e-3,
      resume: true,
      threads: 4,
      metrics: ['bleu', 'cider'],
    });
  });

  test('lets a switch be turned off by a flag where the file turns it on', () => {
    const config = resolveConfig(schema, {
      flags: { data: 'x', resume: false },
      file: file('{"resume":true}'),
    });
    expect(config.resume).toBe(false);
  });

  test('counts an empty variable as absent and ignores variables of others', () => {
    const config = resolveConfig(schema, {
      env: { CAPTRAIN_DATA: 'x', CAPTRAIN_MAPPER: '', CAPTRAIN_CACHE: 'y' },
    });
    expect(config.mapper).toBe('mlp');
  });

  test('names every required value that is missing', () => {
    expect(refusal(() => resolveConfig(schema, {}))).toBe('--data is missing');
  });

  test.each([
    [
      { flags: { data: 'x', mapper: 'transformr' } },
      '--mapper is "transformr", but must be one of mlp, transformer; did you mean transformer?',
    ],
    [
      { flags: { data: 'x', batchSize: '0' } },
      '--batch-size is 0, but must be a whole number of at least 1 and at most 4096',
    ],
    [
      { flags: { data: 'x', batchSize: '3.5' } },
      '--batch-size is 3.5, but must be a whole number of at least 1 and at most 4096',
    ],
    [
      { env: { CAPTRAIN_DATA: 'x', CAPTRAIN_LEARNING_RATE: 'fast' } },
      'CAPTRAIN_LEARNING_RATE is "fast", but must be a number above 0',
    ],
    [
      { flags: { data: 'x', threads: 'all' } },
      '--threads is "all", but must be auto or a whole number above 0',
    ],
    [{ flags: { data: '' } }, '--data is "", but must be text that is not empty'],
    [
      { env: { CAPTRAIN_DATA: 'x', CAPTRAIN_RESUME: 'perhaps' } },
      'CAPTRAIN_RESUME is "perhaps", but must be true or false',
    ],
    [
      { flags: { data: 'x', metrics: 'blue' } },
      '--metrics is "blue", but must be one of bleu, cider; did you mean bleu?',
    ],
  ])('says which source is wrong and what is allowed: %o', (sources, sentence) => {
    expect(refusal(() => resolveConfig(schema, sources))).toBe(sentence);
  });

  test('names the file, the key and the nearest known key', () => {
    const name = file('{"data": "x", "batchsize": 4}');
    expect(refusal(() => resolveConfig(schema, { file: name }))).toBe(
      `"batchsize" in ${name} is unknown: did you mean batchSize?`,
    );
  });

  test('does not take text for a number in a file', () => {
    const name = file('{"data": "x", "batchSize": "4"}');
    expect(refusal(() => resolveConfig(schema, { file: name }))).toContain(
      `"batchSize" in ${name} is "4", but`,
    );
  });

  test.each([
    ['{"data": ', 'is not JSON'],
    ['[]', 'must hold one JSON object'],
  ])('refuses a file that holds %s', (content, words) => {
    expect(refusal(() => resolveConfig(schema, { file: file(content) }))).toContain(words);
  });

  test('refuses a file that is not there', () => {
    const absent = path.join(tmpdir(), 'no-such-captrain.json');
    expect(refusal(() => resolveConfig(schema, { file: absent }))).toContain(`${absent} cannot be read`);
  });

  test('gives a refinement over several keys its own words', () => {
    const pair = schema.refine(
      ({ resume, batchSize }) => !resume || batchSize > 1,
      '--resume needs two captions',
    );
    expect(refusal(() => resolveConfig(pair, { flags: { data: 'x', resume: true, batchSize: '1' } }))).toBe(
      '--resume needs two captions',
    );
  });
});

describe('parseConfig', () => {
  const nested = z.strictObject({ run: schema, workers: z.int() });

  test('gives back what was stored', () => {
    const run = resolveConfig(schema, { flags: { data: 'x' } });
    expect(parseConfig(nested, JSON.parse(JSON.stringify({ run, workers: 2 })), 'config.json')).toEqual({
      run,
      workers: 2,
    });
  });

  test.each([
    [
      { run: { data: 'x', mappr: 'mlp' }, workers: 2 },
      '"run.mappr" in config.json is unknown: did you mean mapper?',
    ],
    [
      { run: { data: 'x', batchSize: -1 }, workers: 2 },
      '"run.batchSize" in config.json is -1, but must be a whole number of at least 1 and at most 4096',
    ],
    [{ run: {} }, '"run.data" in config.json, "workers" in config.json are missing'],
    ['text', 'config.json must hold one JSON object of config keys'],
  ])('names the key and the place: %o', (object, sentence) => {
    expect(refusal(() => parseConfig(nested, object, 'config.json'))).toBe(sentence);
  });
});
