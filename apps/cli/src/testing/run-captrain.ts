import { spawn } from 'node:child_process';
import path from 'node:path';

/** The built program, as a user starts it. */
const program = path.join(import.meta.dirname, '../../dist/main.js');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Called with every piece of standard output so far, and a way to signal the program. */
  onOutput?: (out: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs `captrain` with arguments to its end. */
export function runCaptrain(args: string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...options.env } });
    const ended: Ended = { code: null, out: '', err: '' };
    child.stdout.on('data', (piece: Buffer) => {
      ended.out += piece.toString();
      options.onOutput?.(ended.out, (signal) => child.kill(signal));
    });
    child.stderr.on('data', (piece: Buffer) => (ended.err += piece.toString()));
    child.on('error', reject).on('close', (code) => resolve({ ...ended, code }));
  });
}
