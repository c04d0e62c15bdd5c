import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

/** Built sources in a real process: what `nx test` builds first. */
const program = path.join(import.meta.dirname, '../fixtures/program.mjs');

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the program; `onWaiting` is called once it has printed its first line. */
function run(
  args: string[],
  env: Record<string, string> = {},
  onWaiting?: (kill: (signal: NodeJS.Signals) => void) => void,
) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      if (out === '') onWaiting?.((signal) => child.kill(signal));
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject).on('close', (code) => resolve({ code, out, err }));
  });
}

describe('a program of commands', () => {
  test('runs a command with flags, environment and arguments', async () => {
    const { code, out } = await run(['embed', '--data', 'x', '--no-resume', 'a.jpg', 'b.jpg'], {
      CAPTRAIN_BATCH_SIZE: '3',
    });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      config: { data: 'x', batchSize: 3, resume: false },
      arguments: ['a.jpg', 'b.jpg'],
    });
  });

  test('prints help with its commands, without importing any', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/embed +Embeds pictures/);
    expect(out).toMatch(/broken +Cannot load/);
  });

  test("prints a command's help with values, defaults, variables and examples", async () => {
    const { code, out } = await run(['embed', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('captrain embed [options] [IMAGE...]');
    expect(out).toMatch(/--data URI +Folder of pictures \(required\)/);
    expect(out).toMatch(/--batch-size N +Pictures in a batch \(default: 8\)/);
    expect(out).toMatch(/--\[no-\]resume +Go on/);
    expect(out).toContain('CAPTRAIN_DATA');
    expect(out).toContain('  captrain embed --data flickr8k');
  });

  test('prints its version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  test('hands everything after the name to a command that another program runs', async () => {
    expect(JSON.parse((await run(['pass', '--help', '--odd', '3'])).out)).toEqual(['--help', '--odd', '3']);
  });

  test.each([
    [['embd'], 'captrain: captrain has no command embd: did you mean embed?'],
    [['--verison'], 'captrain: --verison is no option: did you mean --version?'],
    [
      ['embed', '--bach-size', '3'],
      'captrain: --bach-size is no option of captrain embed: did you mean --batch-size?',
    ],
    [['embed', '--data'], 'captrain: --data needs a value'],
    [['embed'], 'captrain: --data is missing'],
    [
      ['embed', '--data', 'x', '--batch-size', 'many'],
      'captrain: --batch-size is "many", but must be a whole number of at least 1',
    ],
    [['log', 'extra'], "captrain: too many arguments for 'log'. Expected 0 arguments but got 1."],
  ])('refuses %o with one sentence and exit code 2', async (args, sentence) => {
    expect(await run(args)).toEqual({ code: 2, out: '', err: `${sentence}\n` });
  });

  test('shows help and exits with 2 when no command is given', async () => {
    const { code, out, err } = await run([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Commands:');
  });
});

describe('how a program ends', () => {
  test('says what the user can mend without a stack, and exits with 2', async () => {
    const ended = await run(['fail', '--how', 'user']);
    expect(ended).toEqual({ code: 2, out: '', err: 'captrain: The folder x is empty; name another\n' });
  });

  test('shows a fault with its stack and cause, and exits with 1', async () => {
    const { code, err } = await run(['fail', '--how', 'fault']);
    expect(code).toBe(1);
    expect(err).toMatch(/Error: broken[\s\S]* at [\s\S]*the reason/);
  });

  test('does not hang on a rejection that nobody waits for', async () => {
    const { code, err } = await run(['fail', '--how', 'later']);
    expect(code).toBe(1);
    expect(err).toContain('nobody waits');
  });

  test('ends cleanly on Ctrl-C, and says by its code that it was stopped', async () => {
    const ended = await run(['wait', '--how', 'clean'], {}, (kill) => kill('SIGINT'));
    expect(ended).toEqual({ code: 130, out: 'waiting\nsaved\n', err: '' });
  });

  test('counts a clean end after SIGTERM as success', async () => {
    const ended = await run(['wait', '--how', 'clean'], {}, (kill) => kill('SIGTERM'));
    expect(ended).toEqual({ code: 0, out: 'waiting\nsaved\n', err: '' });
  });

  test('says nothing when work is merely broken off', async () => {
    const ended = await run(['wait', '--how', 'throw'], {}, (kill) => kill('SIGTERM'));
    expect(ended).toEqual({ code: 143, out: 'waiting\n', err: '' });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('obeys a second %s at once', async (signal, expected) => {
    const { code } = await run(['wait', '--how', 'stuck'], {}, (kill) => {
      kill(signal);
      setTimeout(() => kill(signal), 100);
    });
    expect(code).toBe(expected);
  });
});

describe('the log', () => {
  test('is JSON lines on standard error', async () => {
    const { out, err } = await run(['log']);
    expect(out).toBe('');
    expect(JSON.parse(err)).toMatchObject({ level: 'info', name: 'worker', step: 3, msg: 'hello' });
  });

  test('goes to the file that CAPTRAIN_LOG_FILE names', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'captrain-log-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'deep', 'worker.log');
    const { err } = await run(['log'], { CAPTRAIN_LOG_FILE: file });
    expect(err).toBe('');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ msg: 'hello' });
  });
});
