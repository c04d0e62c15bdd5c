import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What a run's metrics.jsonl says of a step. */
export interface StepMetrics {
  step: number;
  loss: number;
  captions: number;
  seconds: number;
  exchange_seconds: number;
  input_seconds: number;
}

/**
 * Runs the built `captrain train` and returns its metrics; `logFile` receives its programs' log lines. Throws, with what
 * it said, where it fails.
 */
export async function trainRun(
  run: string,
  flags: readonly string[],
  signal: AbortSignal,
  options: { logFile?: string } = {},
): Promise<StepMetrics[]> {
  const cli = path.dirname(createRequire(import.meta.url).resolve('@captrain/cli/package.json'));
  const args = [path.join(cli, 'dist/main.js'), 'train', '--run', run, ...flags];
  const { logFile } = options;
  const env = {
    ...process.env,
    ...(logFile !== undefined && { CAPTRAIN_LOG_FILE: logFile, CAPTRAIN_LOG_LEVEL: 'info' }),
  };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  // Asked to end rather than killed, so that it ends its own children.
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`captrain train ended with exit code ${code}:\n${said}`);
  const lines = readFileSync(path.join(run, 'metrics.jsonl'), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as StepMetrics);
}
