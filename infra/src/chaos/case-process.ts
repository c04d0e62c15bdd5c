import { type ChildProcess, spawn } from 'node:child_process';
import { type WriteStream, createWriteStream, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../../..');

/** The built programs, as `bin` in their package.json names them. */
const programs = {
  coordinator: 'apps/coordinator/dist/main.js',
  worker: 'apps/worker/dist/main.js',
};

/**
 * A coordinator needs less than half of this at its start, and less afterwards. With more room Node collects so seldom that
 * its memory grows by a hundred MB of garbage, and nothing can be told from it.
 */
const COORDINATOR_HEAP_MB = 64;

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly program: keyof typeof programs;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `CAPTRAIN_FAULT`: where it shall kill or stop itself. */
  readonly fault?: string | undefined;
  /** Command line to put before the program's: how it is started in a network namespace. */
  readonly within?: readonly string[];
  /** File for all that it says. */
  readonly log: string;
}

/** What a process holds at a moment. */
export interface Level {
  readonly megabytes: number;
  readonly descriptors: number;
}

/** One of a case's processes: a built program. */
export class CaseProcess {
  /** Resolves once it has ended. */
  readonly ended: Promise<End>;
  /** How it ended; undefined while it runs. */
  end: End | undefined;
  /** All that it has said. */
  said = '';
  /** Whether this process is meant to end otherwise than with the run: it is killed, told to leave, or fenced. */
  mayEnd = false;
  /** Whether it may be cut off when the run ends, so that it has to be told. */
  mayLinger = false;
  /** Where it has to kill itself, or the case proves nothing. */
  killedAt: string | undefined;
  private readonly child: ChildProcess;
  private readonly log: WriteStream;

  constructor(
    readonly name: string,
    { program, args, env, fault, within = [], log }: ProcessOptions,
  ) {
    this.log = createWriteStream(log, { flags: 'a' });
    if (fault !== undefined && !fault.endsWith(':stop')) {
      this.killedAt = fault;
      this.mayEnd = true;
    }
    const [command, ...rest] = [
      ...within,
      process.execPath,
      ...(program === 'coordinator' ? [`--max-old-space-size=${COORDINATOR_HEAP_MB}`] : []),
      path.join(repository, programs[program]),
      ...args,
    ];
    this.child = spawn(command!, rest, {
      detached: true,
      env: { ...process.env, ...env, ...(fault !== undefined && { CAPTRAIN_FAULT: fault }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const hear = (piece: Buffer) => {
      this.said += piece.toString();
      this.log.write(piece);
    };
    this.child.stdout!.on('data', hear);
    this.child.stderr!.on('data', hear);
    this.ended = new Promise<End>((resolve, reject) => {
      this.child.once('error', reject).once('close', (code, signal) => {
        this.end = { code, signal };
        this.log.end(`${name} ended: ${describeEnd(this.end)}\n`);
        resolve(this.end);
      });
    });
    this.ended.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get runs(): boolean {
    return this.end === undefined;
  }

  /** Sends a signal, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT') this.mayEnd = true;
    if (this.runs) this.child.kill(signal);
  }

  /** The sentence for the user that it ended with, if it did. */
  get sentence(): string | undefined {
    return this.said
      .split('\n')
      .findLast((line) => line.startsWith('captrain: '))
      ?.slice('captrain: '.length);
  }

  /** Memory and open descriptors; undefined once it has ended. */
  level(): Level | undefined {
    try {
      const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
      if (kilobytes === null) return undefined;
      const descriptors = readdirSync(`/proc/${this.pid}/fd`).length;
      return { megabytes: Number(kilobytes[1]) / 1024, descriptors };
    } catch {
      return undefined;
    }
  }
}

/** `exit code 2`, or the signal's name. */
export function describeEnd({ code, signal }: End): string {
  return signal ?? `exit code ${code}`;
}
