import { type ChildProcess, spawn } from 'node:child_process';
import { type Interface, createInterface } from 'node:readline';
import { programOf } from '../child-program.js';

const KEPT_LINES = 40;

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A program of this workspace under this one's care: it has a process group of its own, so that Ctrl-C reaches
 * only this process, and it ends when this process does, however that dies.
 */
export class SupervisedChild {
  /** Resolves once the program has ended. */
  readonly ended: Promise<ChildEnd>;
  private readonly child: ChildProcess;
  private readonly output: Interface;
  private readonly errors: string[] = [];
  private readonly onExit = () => this.child.kill('SIGKILL');

  constructor(
    readonly name: string,
    packageName: string,
    args: string[],
    env: NodeJS.ProcessEnv,
  ) {
    this.child = spawn(process.execPath, [programOf(packageName), ...args], {
      detached: true,
      stdio: 'pipe',
      env: { CAPTRAIN_LOG_LEVEL: 'warn', ...env, CAPTRAIN_SUPERVISED: '1' },
    });
    this.output = createInterface({ input: this.child.stdout! });
    createInterface({ input: this.child.stderr! }).on('line', (line) => {
      this.errors.push(line);
      if (this.errors.length > KEPT_LINES) this.errors.shift();
    });
    process.once('exit', this.onExit);
    this.ended = new Promise((resolve) => {
      this.child.once('error', () => resolve({ code: 1, signal: null }));
      this.child.once('close', (code, signal) => {
        process.off('exit', this.onExit);
        resolve({ code, signal });
      });
    });
  }

  /** Calls back with the first line of its standard output. */
  onFirstLine(read: (line: string) => void): void {
    this.output.once('line', read);
  }

  /** Asks the program to end cleanly. */
  stop(): void {
    this.child.kill('SIGTERM');
  }

  /** Waits for its end; kills it once `patienceMs` are over. */
  async reap(patienceMs: number): Promise<void> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** The one sentence for the user that it ended with, if it did. */
  get sentence(): string | undefined {
    const line = this.errors.findLast((error) => error.startsWith('captrain: '));
    return line?.slice('captrain: '.length);
  }

  /** The last lines of its standard error. */
  get lastWords(): string {
    return this.errors.join('\n');
  }
}
