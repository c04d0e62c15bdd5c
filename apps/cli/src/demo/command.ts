import { spawn } from 'node:child_process';
import path from 'node:path';

const program = path.join(import.meta.dirname, '../main.js');

export type Flags = Record<string, string | number | boolean | undefined>;

/** `{ batchSize: 64, resume: true }` → `['--batch-size', '64', '--resume']`; undefined and false are left out. */
export function flagsOf(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([key, value]) => {
    if (value === undefined || value === false) return [];
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [flag] : [flag, String(value)];
  });
}

/** A `captrain` command of the demo ended with a fault of its own, which it has told on this terminal already. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';

  constructor(
    readonly command: string,
    readonly exitCode: number,
  ) {
    super(`captrain ${command} ended with exit code ${exitCode}`);
  }
}

/**
 * Runs a `captrain` command as a process of its own on this one's terminal, so that its bars and live views are seen;
 * `quiet` takes its standard output instead and returns it. When the signal aborts, the command is asked to end and
 * waited for, and the signal's reason thrown. Throws a `CommandFault` where it ends with another exit code than 0.
 */
export async function captrain(
  command: string,
  flags: Flags,
  { signal, quiet = false }: { signal: AbortSignal; quiet?: boolean },
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [program, command, ...flagsOf(flags)], {
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', 'inherit'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  // Ctrl-C reaches the child by itself; SIGTERM is for a signal that was sent to this process alone.
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code, killedBy] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject).once('close', (...end) => resolve(end));
    });
    signal.throwIfAborted();
    if (killedBy) throw new Error(`captrain ${command} was killed by ${killedBy}`);
    if (code) throw new CommandFault(command, code);
    return output;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
