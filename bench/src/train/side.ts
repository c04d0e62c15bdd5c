import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface StepAnswer {
  seconds: number;
  /** Mean over the caption tokens, before the step's update. */
  loss: number;
}

/** One program that trains: it does a step when it is asked to, and rests in between. */
export interface TrainSide {
  readonly name: string;
  /** What it said of itself when it was ready. */
  readonly about: Readonly<Record<string, unknown>>;
  /** A training step on the next batch. */
  step(): Promise<StepAnswer>;
  /** Operations a second of its own matrix products in its precision, by shape. */
  matmuls(): Promise<Record<string, number>>;
  /** Ends it: the highest resident memory of its process. */
  finish(): Promise<{ peakBytes: number }>;
  /** Ends it at once, where it still runs. */
  kill(): void;
}

/**
 * A side in a process of its own, which answers each line on its standard input (`step`, `matmuls`, `quit`) with one of
 * JSON, after a first one when it is ready. Resolves then. Throws, with what it said, where it ends before its time.
 */
export async function startSide(
  name: string,
  program: { command: string; args: readonly string[]; env?: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<TrainSide> {
  const env = { ...process.env, ...program.env };
  const child = spawn(program.command, program.args, { stdio: ['pipe', 'pipe', 'pipe'], env, signal });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  // What is written to a side that has died is seen as its missing answer.
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close') as Promise<[number | null]>;
  ended.catch(() => undefined);
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = (await answers.next()) as IteratorResult<string, undefined>;
    signal.throwIfAborted();
    if (!done) return JSON.parse(value) as Record<string, unknown>;
    const [code] = await ended;
    throw new Error(`${name} ended with exit code ${code}:\n${said}`);
  };
  const ask = (line: string) => {
    child.stdin.write(`${line}\n`);
    return answer();
  };
  return {
    name,
    about: await answer(),
    step: async () => (await ask('step')) as unknown as StepAnswer,
    matmuls: async () => (await ask('matmuls')) as Record<string, number>,
    finish: async () => {
      const figures = (await ask('quit')) as { peakBytes: number };
      await closed(child, ended);
      return figures;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

async function closed(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.stdin!.end();
  await ended;
}
