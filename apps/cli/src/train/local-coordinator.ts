import { type RunConfig, coordinatorConfig, launchKeys } from '@captrain/model/run';
import { UserError, toFlags } from '@captrain/runtime';
import { RestartingChild } from './restarting-child.js';
import { type ChildEnd, SupervisedChild } from './supervised-child.js';

/** What a coordinator announces on its first line: its address and config, or that the run is finished. */
export interface Announcement {
  readonly listening?: string;
  readonly config?: RunConfig;
  readonly finished?: string;
}

/** The coordinator of a run on this machine. One that crashed goes on with the run, at the address that workers know. */
export class LocalCoordinator {
  /** What it announced first. Rejects where it ended before. */
  readonly announcement: Promise<Announcement>;
  private readonly child: RestartingChild;
  private announced: Announcement | undefined;

  constructor(
    private readonly flags: Record<string, unknown>,
    private readonly env: NodeJS.ProcessEnv,
    say: (line: string) => void,
  ) {
    let announce!: (announcement: Announcement) => void;
    const announced = new Promise<Announcement>((resolve) => (announce = resolve));
    this.child = new RestartingChild(
      () => this.start(announce),
      (_, { code, signal }, isLast) =>
        say(`coordinator ended (${signal ?? `exit code ${code}`})${isLast ? '' : '; starting it again'}`),
    );
    this.announcement = Promise.race([announced, this.silentEnd()]);
    this.announcement.catch(() => {});
  }

  /** Resolves once it has ended for good. */
  get ended(): Promise<ChildEnd> {
    return this.child.ended;
  }

  get current(): SupervisedChild {
    return this.child.current;
  }

  stop(): void {
    this.child.stop();
  }

  private start(announce: (announcement: Announcement) => void): SupervisedChild {
    const child = new SupervisedChild('coordinator', '@captrain/coordinator', this.arguments(), this.env);
    child.onFirstLine((line) => {
      this.announced ??= JSON.parse(line) as Announcement;
      announce(this.announced);
    });
    return child;
  }

  /** Once it has listened, and so has begun the run, it is started to go on with it. */
  private arguments(): string[] {
    const listening = this.announced?.listening;
    if (listening === undefined) return toFlags(coordinatorConfig, this.flags);
    const launch = Object.entries(this.flags).filter(([key]) => launchKeys.has(key));
    const port = Number(listening.slice(listening.lastIndexOf(':') + 1));
    return toFlags(coordinatorConfig, { ...Object.fromEntries(launch), port, resume: true });
  }

  private async silentEnd(): Promise<never> {
    const { code, signal } = await this.child.ended;
    const { sentence, lastWords } = this.child.current;
    if (sentence !== undefined) throw new UserError(sentence);
    throw new Error(
      `The coordinator ended before it listened (${signal ?? `exit code ${code}`}):\n${lastWords}`,
    );
  }
}
