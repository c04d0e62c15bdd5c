import { spawn } from 'node:child_process';
import path from 'node:path';

const program = path.join(import.meta.dirname, '../../dist/main.js');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the built embedder to its end; `onProgress` gets a way to signal it at its first words on standard error. */
export function runEmbedder(
  args: string[],
  env: Record<string, string> = {},
  onProgress?: (kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
    const ended: Ended = { code: null, out: '', err: '' };
    child.stdout.on('data', (piece: Buffer) => (ended.out += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => {
      if (ended.err === '') onProgress?.((signal) => child.kill(signal));
      ended.err += piece.toString();
    });
    child.on('error', reject).on('close', (code) => resolve({ ...ended, code }));
  });
}
