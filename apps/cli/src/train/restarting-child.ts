import { setTimeout as sleep } from 'node:timers/promises';
import type { SupervisedChild } from './supervised-child.js';
import { type ChildEnd } from './supervised-child.js';

/** Starts anew of one program until it is given up. */
const MOST_RESTARTS = 5;

/** Waits before them. */
const RESTART_MS = 200;

/**
 * A program that is started anew where it crashed: where a signal ended it, or a fault that is not the user's. A program
 * that ends by itself, or with a sentence for the user, stays ended.
 */
export class RestartingChild {
  /** Resolves once it has ended for good. */
  readonly ended: Promise<ChildEnd>;
  private child: SupervisedChild;
  private isStopping = false;

  /** `start` makes the program's process: the first one, and each one after a crash. */
  constructor(
    private readonly start: (isAgain: boolean) => SupervisedChild,
    /** Hears of crashes. */
    private readonly crashed: (child: SupervisedChild, end: ChildEnd, isLast: boolean) => void,
  ) {
    this.child = start(false);
    this.ended = this.keepUp();
  }

  /** The process that runs now, or ran last. */
  get current(): SupervisedChild {
    return this.child;
  }

  /** Asks the program to end cleanly, and not to come again. */
  stop(): void {
    this.isStopping = true;
    this.child.stop();
  }

  /** Waits for its end; kills it once `patienceMs` are over. */
  async reap(patienceMs: number): Promise<void> {
    this.isStopping = true;
    await this.child.reap(patienceMs);
  }

  private async keepUp(): Promise<ChildEnd> {
    for (let restarts = 0; ; restarts++) {
      const end = await this.child.ended;
      const isCrash = end.code !== 0 && this.child.sentence === undefined;
      if (this.isStopping || !isCrash) return end;
      const isLast = restarts === MOST_RESTARTS;
      this.crashed(this.child, end, isLast);
      if (isLast) return end;
      await sleep(RESTART_MS);
      if (this.isStopping) return end;
      this.child = this.start(true);
    }
  }
}
