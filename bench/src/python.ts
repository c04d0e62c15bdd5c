import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '@captrain/runtime';

const root = path.resolve(import.meta.dirname, '../..');

/** The interpreter of the Python environment that holds PyTorch; it is installed into the cache where it is missing. */
export async function pythonInterpreter(signal: AbortSignal): Promise<string> {
  const script = path.join(root, 'tools/setup/python.mjs');
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new UserError('the Python environment could not be made; see above.');
  return printed.trim();
}

/** What scripts of `bench/peers` run with beside the caller's environment. */
export const PEER_ENVIRONMENT = {
  HF_HUB_OFFLINE: '1',
  PYTHONDONTWRITEBYTECODE: '1',
  TRANSFORMERS_VERBOSITY: 'error',
} as const;

/** The path of a script of `bench/peers`. */
export function peerScript(script: string): string {
  return path.join(root, 'bench/peers', script);
}

/**
 * Runs a script of `bench/peers` and returns the lines that it prints; each also goes to `onLine`. Throws with what it
 * said where it fails.
 */
export async function runPeer(
  interpreter: string,
  script: string,
  args: readonly string[],
  options: { signal: AbortSignal; onLine?: (line: string) => void },
): Promise<string[]> {
  const { signal, onLine } = options;
  const file = peerScript(script);
  const env = { ...process.env, ...PEER_ENVIRONMENT };
  const child = spawn(interpreter, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env, signal });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    onLine?.(line);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`${file} ended with exit code ${code}:\n${said}`);
  return lines;
}
