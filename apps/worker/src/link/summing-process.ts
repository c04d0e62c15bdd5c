import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CollectiveMember } from '@captrain/engine';
import type { EngineConfig } from '@captrain/engine/config';
import type { FromSumming, SummingWork, ToSumming } from '../collective/messages.js';
import type { SharedView } from './shared-views.js';

/** How long the process may take to come up, and to load TensorFlow, on a machine that is busy with other things. */
const START_SECONDS = 120;
/** Where the process finds the shared memory: behind its standard streams and the channel. */
const MEMORY = 4;
/** Of what the process says at last, so much is kept. */
const LAST_WORDS = 2000;

const builtProgram = new URL('../collective/main.js', import.meta.url).href;

export interface SummingOptions {
  /** Where to compute. */
  readonly engine: EngineConfig;
  /** The memory that is summed, and receives the sum. */
  readonly result: SharedView;
  /** URL of what it runs, where tests run it from source. */
  readonly program?: string | undefined;
}

/** The process that sums for this worker in one group, as the link's thread sees it. What fails ends it. */
export class SummingProcess {
  /** Where it will listen. Rejects where it does not come up. */
  readonly port: Promise<number>;
  private readonly child: ChildProcess;
  private answered: ((answer: FromSumming) => void) | undefined;
  private joined: Promise<unknown> | undefined;
  private lastWords = '';
  private late: string | undefined;
  /** Why it does not run any more, once it does not. */
  private readonly gone: Promise<string>;

  constructor({ engine, result, program = builtProgram }: SummingOptions) {
    const { device, threads, instructionSet } = engine;
    const work: SummingWork = {
      engine: { device, threads, instructionSet },
      descriptor: MEMORY,
      bytes: result.values.byteLength,
    };
    this.child = spawn(process.execPath, [fileURLToPath(program), JSON.stringify(work)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', result.name.descriptor],
    });
    this.child.stderr!.on('data', (piece: Buffer) => {
      this.lastWords = (this.lastWords + piece.toString()).slice(-LAST_WORDS);
    });
    this.gone = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(`it cannot be started: ${error.message}`));
      this.child.once('close', (code, signal) => resolve(this.late ?? this.endOf(code, signal)));
    });
    this.child.on('message', (answer: FromSumming) => this.answered?.(answer));
    this.port = this.answer(START_SECONDS).then((answer) => (answer as { port: number }).port);
    this.port.catch(() => undefined);
  }

  /**
   * Puts the sum of all members' memory in the place of this one's. The group is the one of the first call; a piece of a sum
   * may take `timeoutSeconds`. Rejects with the reason where it fails; once it has, the memory is written no more.
   */
  async sum(member: CollectiveMember, timeoutSeconds: number): Promise<void> {
    await this.port;
    this.joined ??= this.ask({ join: member, timeoutSeconds }, START_SECONDS);
    await this.joined;
    await this.ask({ sum: true });
  }

  /** Ends it, whatever it does. Resolves once it is gone, and writes nothing any more. */
  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.gone;
  }

  private ask(message: ToSumming, seconds?: number): Promise<FromSumming> {
    const answer = this.answer(seconds);
    // Of one that is gone that is heard by its end.
    this.child.send(message, () => undefined);
    return answer;
  }

  /** The next answer, within the seconds if there is a limit. */
  private async answer(seconds?: number): Promise<FromSumming> {
    const timer = seconds && setTimeout(() => this.giveUp(seconds), seconds * 1000);
    const told = new Promise<FromSumming>((resolve) => (this.answered = resolve));
    const end = this.gone.then((failed) => ({ failed }));
    try {
      const answer = await Promise.race([told, end]);
      if (!('failed' in answer)) return answer;
      await this.end();
      throw new Error(answer.failed);
    } finally {
      if (timer) clearTimeout(timer);
    }
  }

  private giveUp(seconds: number): void {
    this.late = `the process that sums did not come up within ${seconds} s`;
    this.child.kill('SIGKILL');
  }

  private endOf(code: number | null, signal: NodeJS.Signals | null): string {
    const words = this.lastWords.trim().split('\n').at(-1);
    return `the process that sums ended (${signal ?? `exit code ${code}`})${words ? `: ${words}` : ''}`;
  }
}
