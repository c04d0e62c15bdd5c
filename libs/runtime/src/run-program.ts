import { Interruption } from './interruption.js';
import { UserError } from './user-error.js';

/**
 * Runs a program's `main` and ends the process.
 *
 * The first SIGINT or SIGTERM aborts the signal with an `Interruption`, for `main` to end cleanly; a second one of the
 * same kind exits at once, with 130 or 143. Exit codes: 0 when `main` resolves, also after SIGTERM; 130 when it ends after SIGINT,
 * 143 when it rejects with a SIGTERM's `Interruption`; 2 for a `UserError`, printed as one line without a stack;
 * 1 for everything else, printed with stack and causes. A `process.exitCode` that `main` sets stands.
 */
export async function runProgram(main: (signal: AbortSignal) => Promise<void>): Promise<never> {
  const controller = new AbortController();
  const received = new Set<string>();
  const stop = (signal: 'SIGINT' | 'SIGTERM') => {
    const interruption = new Interruption(signal);
    if (received.has(signal)) process.exit(interruption.exitCode);
    received.add(signal);
    if (!controller.signal.aborted) controller.abort(interruption);
  };
  process.on('SIGINT', () => stop('SIGINT')).on('SIGTERM', () => stop('SIGTERM'));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });
  const failed = new Promise<never>((_, reject) => {
    process.on('uncaughtException', reject).on('unhandledRejection', reject);
  });
  try {
    await Promise.race([main(controller.signal), failed]);
    return await exit(interrupted(controller.signal)?.signal === 'SIGINT' ? 130 : 0);
  } catch (thrown) {
    return await exit(report(thrown, interrupted(controller.signal)));
  }
}

function interrupted(signal: AbortSignal): Interruption | undefined {
  return signal.reason instanceof Interruption ? signal.reason : undefined;
}

/** Prints what ended the program, and says the exit code. */
function report(thrown: unknown, interruption: Interruption | undefined): number {
  if (interruption && (thrown === interruption || isAbort(thrown))) return interruption.exitCode;
  if (thrown instanceof UserError) {
    process.stderr.write(`captrain: ${thrown.message}\n`);
    return interruption?.exitCode ?? 2;
  }
  console.error(thrown);
  return 1;
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
}

/** Ends the process once everything written has left it. */
async function exit(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  process.exit(process.exitCode ?? code);
}
