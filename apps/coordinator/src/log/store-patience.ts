import { setTimeout as sleep } from 'node:timers/promises';
import { ConflictError } from '@captrain/data/store';
import { type Logger, messageOf } from '@captrain/runtime';

const PAUSE_MS = 500;

/**
 * Patience with a store that fails for a while: training goes on meanwhile, and what could not be written is written
 * later. It ends once nothing has succeeded for `seconds`, and at once where another program has written: that one leads
 * the run now.
 */
export class StorePatience {
  private failingSince: number | undefined;
  private fault: unknown;

  constructor(
    private readonly seconds: number,
    private readonly log: Logger,
  ) {}

  /** Runs a write (`what`, to be read behind "cannot"); a failure is logged and remembered. Returns whether it succeeded. */
  async attempt(what: string, write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      if (this.failingSince !== undefined) this.log.info('the store is back');
      this.failingSince = undefined;
      return true;
    } catch (error) {
      if (this.failingSince === undefined)
        this.log.warn({ reason: messageOf(error) }, `cannot ${what}; trying again`);
      this.failingSince ??= performance.now();
      const isOver = performance.now() - this.failingSince > this.seconds * 1000;
      if (isOver || error instanceof ConflictError) this.fault ??= error;
      return false;
    }
  }

  /** Throws what the store said once patience is over. */
  check(): void {
    if (this.fault !== undefined) throw this.fault;
  }

  /** Waits a moment before another attempt. Throws once patience is over. */
  async pause(): Promise<void> {
    this.check();
    if (this.failingSince !== undefined) await sleep(PAUSE_MS);
  }
}
