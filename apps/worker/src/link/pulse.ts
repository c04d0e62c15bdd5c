/** Messages of both sides in a lease. */
const BEATS = 3;
/** What arrived while this process stood still is read before anyone is called silent. */
const GRACE_MS = 100;

/**
 * The heartbeats of a connection: `beat` is called three times in a lease, and `silence` once the other side has not been
 * heard of for a whole one. `close()` ends both.
 */
export class Pulse {
  private lastHeard = performance.now();
  private readonly timer: NodeJS.Timeout;
  private grace: NodeJS.Timeout | undefined;

  constructor(
    private readonly leaseSeconds: number,
    beat: () => void,
    private readonly silence: () => void,
  ) {
    this.timer = setInterval(
      () => {
        beat();
        if (this.isOverdue) this.grace ??= setTimeout(() => this.judge(), GRACE_MS);
      },
      (leaseSeconds * 1000) / BEATS,
    );
  }

  /** A message has come. */
  heard(): void {
    this.lastHeard = performance.now();
  }

  close(): void {
    clearInterval(this.timer);
    clearTimeout(this.grace);
  }

  private get isOverdue(): boolean {
    return performance.now() - this.lastHeard > this.leaseSeconds * 1000;
  }

  private judge(): void {
    this.grace = undefined;
    if (this.isOverdue) this.silence();
  }
}
