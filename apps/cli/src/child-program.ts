import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);

/** The file that a package of this workspace runs as a program: its one `bin`. */
export function programOf(packageName: string): string {
  const manifest = require.resolve(`${packageName}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  return path.join(path.dirname(manifest), Object.values(bin)[0]!);
}

/**
 * Runs another program of this workspace on the terminal of this one, and takes over its exit code.
 * `command` is what the user typed, for its help. When `signal` aborts, the program is asked to end, and waited for.
 */
export async function runChildProgram(
  packageName: string,
  args: string[],
  { signal, command }: { signal: AbortSignal; command: string },
): Promise<void> {
  const env = { ...process.env, CAPTRAIN_COMMAND: command };
  const child = spawn(process.execPath, [programOf(packageName), ...args], { stdio: 'inherit', env });
  // Ctrl-C reaches the child by itself; SIGTERM is for a signal that was sent to this process alone.
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  const [code, killedBy] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('exit', (...end) => resolve(end));
  });
  signal.removeEventListener('abort', stop);
  if (killedBy) throw new Error(`${packageName} was killed by ${killedBy}`);
  if (code) process.exitCode = code;
}
