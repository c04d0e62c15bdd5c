/** Units per second over a sliding window, for live rates and remaining time. */
export class RateMeter {
  readonly #points: { ms: number; done: number }[] = [];

  constructor(
    readonly windowMs = 20_000,
    private readonly now: () => number = performance.now.bind(performance),
    done = 0,
  ) {
    this.#points.push({ ms: this.now(), done });
  }

  /** Tells the meter the total so far. */
  set(done: number): void {
    const ms = this.now();
    const last = this.#points.at(-1)!;
    if (this.#points.length > 1 && ms - last.ms < this.windowMs / 100) last.done = done;
    else this.#points.push({ ms, done });
    while (this.#points.length > 2 && this.#points[1]!.ms < ms - this.windowMs) this.#points.shift();
  }

  /** Units per second; 0 before the first unit. */
  get perSecond(): number {
    const [first, last] = [this.#points[0]!, this.#points.at(-1)!];
    const ms = this.now() - first.ms;
    return ms > 0 ? ((last.done - first.done) / ms) * 1000 : 0;
  }
}
