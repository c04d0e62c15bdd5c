import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from './commands.js';
import { runCaptrain } from './testing/run-captrain.js';

describe('captrain', () => {
  test('lists every command in its help', async () => {
    const { code, out, err } = await runCaptrain(['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const { name, summary } of commands) expect(out).toMatch(new RegExp(`^  ${name} +${summary}`, 'm'));
  });

  test('shows help without loading TensorFlow or any command', async () => {
    // Without its heavy libraries a process stays small; TensorFlow alone takes ten times this.
    const { out } = await runCaptrain(['--help'], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(reportModules)}` },
    });
    const { shared, resident } = JSON.parse(out.trim().split('\n').at(-1)!) as {
      shared: string[];
      resident: number;
    };
    expect(shared.filter((file) => /tensorflow|sharp/.test(file))).toEqual([]);
    expect(resident).toBeLessThan(150e6);
  });

  test.each(commands.map(({ name }) => name))('%s has help with an example', async (name) => {
    const { code, out, err } = await runCaptrain([name, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: captrain ${name}`);
    expect(out).toMatch(new RegExp(`^Examples:\\n  captrain ${name}`, 'm'));
  });

  test('prints the version of its package', async () => {
    const manifest = readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    expect((await runCaptrain(['--version'])).out).toBe(`${version}\n`);
  });

  test("hands a program's exit code and words on", async () => {
    const absent = path.join(tmpdir(), 'captrain-no-such-data');
    const args = ['embed', '--dataset', absent, '--format', 'coco', '--encoder', absent, '--out', absent];
    const { code, out, err } = await runCaptrain(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*captrain-no-such-data.*\n$/);
  });
});

/** Run inside the program: prints, when it ends, which native libraries it loaded and its size in memory. */
const reportModules = `
import process from 'node:process';
process.on('exit', () => {
  const shared = process.report.getReport().sharedObjects;
  process.stdout.write(JSON.stringify({ shared, resident: process.memoryUsage().rss }) + '\\n');
});
`;
