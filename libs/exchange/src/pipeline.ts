/**
 * Work in two stages, on a few pieces at a time. The first stage of several pieces runs at once; the second begins in the
 * order of the pieces.
 */
export class Pipeline {
  private readonly underWay: Promise<void>[] = [];
  private previous: Promise<unknown> = Promise.resolve();

  /** `size`: pieces at a time. A fault is thrown by the next add() or finish(); `onFault` hears of it at once. */
  constructor(
    private readonly size: number,
    private readonly onFault: (error: unknown) => void = () => {},
  ) {}

  /** Resolves when there is room for the piece and work on it has begun. */
  async add<Piece>(first: () => Promise<Piece>, second: (piece: Piece) => Promise<void>): Promise<void> {
    if (this.underWay.length === this.size) await this.underWay.shift();
    const inTurn = Promise.all([first(), this.previous]);
    this.previous = inTurn;
    const done = inTurn.then(([piece]) => second(piece));
    done.catch(this.onFault);
    this.underWay.push(done);
  }

  /** Resolves when all is done. */
  async finish(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** Resolves when nothing is being worked on, whether it went well or not. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }
}
