import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCaptrain } from '../testing/run-captrain.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const full = path.join(folder, name);
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
}

const references = file('references.json', {
  images: [{ id: 1 }, { id: 2 }],
  annotations: [
    { image_id: 1, caption: 'A dog runs through the park.' },
    { image_id: 1, caption: 'The dog is running in a park' },
    { image_id: 2, caption: 'Two children sit on a red bench.' },
  ],
});
const predictions = file('predictions.json', [
  { image_id: 1, caption: 'a dog runs through the park' },
  { image_id: 2, caption: 'two children sit on a bench' },
]);

function evaluate(...args: string[]) {
  return runCaptrain(['evaluate', ...args]);
}

describe('captrain evaluate', () => {
  test('prints a table of scores', async () => {
    const { code, out, err } = await evaluate('--predictions', predictions, '--references', references);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    // 12 words against 13: penalty e^(1 - 13/12); unigrams 12 of 12.
    expect(out).toMatch(/BLEU-1 +0\.9200\n/);
    expect(out).toMatch(/BLEU-4 +0\.\d{4}\n/);
    expect(out).toContain('over 2 images');
  });

  test('prints JSON for scripts', async () => {
    const { out } = await evaluate('--predictions', predictions, '--references', references, '--json');
    const scores = JSON.parse(out) as Record<string, number>;
    expect(scores['images']).toBe(2);
    expect(scores['bleu1']).toBeCloseTo(Math.exp(1 - 13 / 12), 6);
    expect(scores['bleu4']).toBeLessThan(scores['bleu1']!);
  });

  test.each([
    ['is not there', path.join(folder, 'absent.json'), 'absent.json'],
    ['is not JSON', file('text.json', 'A dog runs'), 'is not JSON'],
    ['is empty', file('empty.json', []), 'no predictions'],
    ['has another form', file('form.json', { captions: [] }), 'is not a COCO results file'],
    ['names unknown images', file('unknown.json', [{ image_id: 9, caption: 'x' }]), 'image 9'],
  ])('refuses predictions when the file %s', async (_, name, words) => {
    const { code, out, err } = await evaluate('--predictions', name, '--references', references);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*\n$/);
    expect(err).toContain(words);
  });

  test('names the metric that was meant', async () => {
    const { code, err } = await evaluate(
      '--predictions',
      predictions,
      '--references',
      references,
      '--metrics',
      'blue',
    );
    expect(code).toBe(2);
    expect(err).toContain('did you mean bleu?');
  });
});
