import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCaptrain } from '../testing/run-captrain.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'captrain-demo-'))));
afterAll(() => rm(folder, { recursive: true }));

const small = ['--scenes', '40', '--held-out', '6', '--steps', '4'];

it('goes from scenes to the report with the built programs', { timeout: 600_000 }, async () => {
  const out = path.join(folder, 'demo');
  const { code, out: output } = await runCaptrain(['demo', '--out', out, ...small]);
  expect(output).toContain('report.html');
  expect(code).toBe(0);
  const report = JSON.parse(readFileSync(path.join(out, 'report.json'), 'utf8')) as Record<string, unknown>;
  const scores = {
    bleu4: expect.any(Number),
    bleu4_shuffled: expect.any(Number),
    seconds: expect.any(Number),
  };
  expect(report).toEqual({ mlp: scores, transformer: scores, seconds: expect.any(Number) });
  expect(readFileSync(path.join(out, 'report.html'), 'utf8').match(/<img /g)).toHaveLength(6);
  for (const run of ['mlp', 'transformer'])
    expect(existsSync(path.join(out, 'runs', run, 'checkpoints', 'LATEST'))).toBe(true);
});

it('leaves a folder with other files alone', async () => {
  const { code, err } = await runCaptrain(['demo', '--out', path.join(import.meta.dirname)]);
  expect(code).toBe(2);
  expect(err).toMatch(/^captrain: .* holds files that are not of a demo; name another --out\n$/);
});

it('stops where it is when it is interrupted', async () => {
  let sent = false;
  const { code, out, err } = await runCaptrain(['demo', '--out', path.join(folder, 'stopped'), ...small], {
    onOutput: (text, kill) => {
      if (sent || !text.includes('[2/7]')) return;
      sent = true;
      kill('SIGINT');
    },
  });
  expect(code).toBe(130);
  expect(out).not.toContain('[3/7]');
  expect(err).not.toContain('Error');
});
