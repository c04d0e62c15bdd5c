import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { endProcesses, processesMarked } from '../../src/testing/processes.js';

const repository = path.resolve(import.meta.dirname, '../../..');

/** The built programs, as `bin` in their package.json names them. */
const programs = {
  captrain: 'apps/cli/dist/main.js',
  coordinator: 'apps/coordinator/dist/main.js',
  worker: 'apps/worker/dist/main.js',
  health: 'infra/dist/grpc-health.js',
};

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface ProgramOptions {
  env?: Record<string, string>;
  cwd?: string;
  timeoutSeconds?: number;
  /** Started in a `beforeAll`: kept until all tests of the file are over. */
  forAllTests?: boolean;
}

/**
 * A built program as a user starts it, in a process group of its own. At the end of the test, and when its time is
 * over, it and everything it started are killed: they are known by a variable in their environment.
 */
export class Program {
  /** Resolves once it has ended; rejects, with what it said, when its time is over. */
  readonly ended: Promise<Ended>;
  out = '';
  err = '';
  private readonly child: ChildProcess;
  private readonly mark = randomUUID();

  constructor(name: keyof typeof programs, args: readonly string[], options: ProgramOptions = {}) {
    const { env = {}, cwd, timeoutSeconds = 60 } = options;
    this.child = spawn(process.execPath, [path.join(repository, programs[name]), ...args], {
      cwd,
      detached: true,
      env: { ...process.env, ...env, CAPTRAIN_TEST_MARK: this.mark },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.on('data', (piece: Buffer) => (this.out += piece.toString()));
    this.child.stderr!.on('data', (piece: Buffer) => (this.err += piece.toString()));
    this.ended = new Promise<Ended>((resolve, reject) => {
      const timer = setTimeout(() => {
        endProcesses(this.mark);
        reject(
          new Error(
            `${name} ${args.join(' ')} took over ${timeoutSeconds} s and said:\n${this.out}${this.err}`,
          ),
        );
      }, timeoutSeconds * 1000);
      this.child.once('error', reject).once('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, out: this.out, err: this.err });
      });
    });
    this.ended.catch(() => undefined);
    (options.forAllTests ? afterAll : onTestFinished)(() => endProcesses(this.mark));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Signals the program alone. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Signals the program's process group, as a terminal's Ctrl-C does. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Everything that it started and that still runs, itself included. */
  processes() {
    return processesMarked(this.mark);
  }
}

/** Runs `captrain` to its end. */
export function captrain(args: readonly string[], options?: ProgramOptions): Promise<Ended> {
  return new Program('captrain', args, options).ended;
}
