import type { Socket } from 'node:net';

/** A piece that would be due within so many milliseconds goes now: timers are not finer than one. */
const EARLY = 0.25;

/** Bytes that a pipe holds at most. At 4 GB/s a millisecond's are 4 MB, so this never bounds what is under way. */
const MOST_WAITING = 64 << 20;

/** What the receiver's socket may have buffered before the sender has to wait: some writes of the kernel's size. */
const MOST_UNWRITTEN = 4 << 20;

/**
 * One direction of a connection: what `from` receives is written to `to` some milliseconds later, in order. The pieces
 * are the buffers that the socket was read into, and no byte is copied; all that are due go in one write.
 */
export class DelayedPipe {
  private readonly waiting: { due: number; piece: Buffer }[] = [];
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private ended = false;

  /** `delay` tells the milliseconds, piece by piece. */
  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly delay: () => number,
  ) {
    from.on('data', (piece: Buffer) => this.receive(piece));
    from.on('end', () => {
      this.ended = true;
      this.forward();
    });
    to.on('drain', () => this.resume());
    to.on('close', () => clearTimeout(this.timer));
  }

  private receive(piece: Buffer): void {
    this.waiting.push({ due: performance.now() + this.delay(), piece });
    this.bytes += piece.length;
    this.forward();
    if (this.isFull) this.from.pause();
  }

  private get isFull(): boolean {
    return this.bytes >= MOST_WAITING || this.to.writableLength >= MOST_UNWRITTEN;
  }

  private resume(): void {
    if (this.from.isPaused() && !this.isFull) this.from.resume();
  }

  /** Writes what is due, and comes again for the rest. */
  private forward(): void {
    const until = performance.now() + EARLY;
    this.to.cork();
    while (this.waiting.length > 0 && this.waiting[0]!.due <= until) {
      const { piece } = this.waiting.shift()!;
      this.bytes -= piece.length;
      this.to.write(piece);
    }
    this.to.uncork();
    this.resume();
    if (this.waiting.length > 0) {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.forward();
      }, 1);
    } else if (this.ended) this.to.end();
  }
}
