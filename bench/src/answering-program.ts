import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What a program says in a line: an object of JSON. */
export type Answer = Readonly<Record<string, unknown>>;

/** A program that answers each line on its standard input with one of JSON, and rests in between. */
export interface AnsweringProgram {
  readonly name: string;
  readonly pid: number;
  /** What it said of itself when it was ready. */
  readonly about: Answer;
  ask(line: string): Promise<Answer>;
  /** Asks it to `quit`, and waits until it has ended: its last answer. */
  quit(): Promise<Answer>;
  /** Ends it at once, where it still runs. */
  kill(): void;
}

/** Starts a program and resolves when it is ready. Throws, with what it said, where it ends before its time. */
export async function startAnswering(
  name: string,
  program: { command: string; args: readonly string[]; env?: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<AnsweringProgram> {
  const env = { ...process.env, ...program.env };
  const child = spawn(program.command, program.args, { stdio: ['pipe', 'pipe', 'pipe'], env, signal });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  // What is written to a program that has died is seen as its missing answer.
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close') as Promise<[number | null]>;
  ended.catch(() => undefined);
  const answer = async (): Promise<Answer> => {
    const { value, done } = (await answers.next()) as IteratorResult<string, undefined>;
    signal.throwIfAborted();
    if (!done) return JSON.parse(value) as Answer;
    const [code] = await ended;
    throw new Error(`${name} ended with exit code ${code}:\n${said}`);
  };
  const ask = (line: string) => {
    child.stdin.write(`${line}\n`);
    return answer();
  };
  return {
    name,
    pid: child.pid!,
    about: await answer(),
    ask,
    quit: async () => {
      const last = await ask('quit');
      child.stdin.end();
      await ended;
      return last;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Answers the lines of standard input in turn, until one is `quit`; `answerTo` gives the last answer, too. */
export async function answerLines(about: Answer, answerTo: (line: string) => Answer | Promise<Answer>) {
  const say = (answer: Answer) => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  say(about);
  for await (const line of createInterface({ input: process.stdin })) {
    say(await answerTo(line));
    if (line === 'quit') return;
  }
}
