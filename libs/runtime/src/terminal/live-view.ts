import { createLogUpdate } from 'log-update';

export interface LiveViewOptions {
  /** Standard error unless said otherwise, so that standard output stays data. */
  stream?: NodeJS.WriteStream;
  /** Milliseconds between plain lines where the stream is no terminal. */
  plainEveryMs?: number;
  /** Milliseconds between redraws on a terminal. */
  redrawEveryMs?: number;
  /** The clock, in milliseconds. */
  now?: () => number;
}

/**
 * Several lines redrawn in place on a terminal; elsewhere one plain line now and then.
 * Cheap to update often: drawing is throttled. `close` draws the last state.
 */
export class LiveView {
  readonly #stream: NodeJS.WriteStream;
  readonly #draw: ReturnType<typeof createLogUpdate> | undefined;
  readonly #now: () => number;
  readonly #everyMs: number;
  #lastMs: number;
  #plain = '';
  #pending = '';

  constructor(options: LiveViewOptions = {}) {
    this.#stream = options.stream ?? process.stderr;
    this.#now = options.now ?? performance.now.bind(performance);
    const terminal = this.#stream.isTTY === true;
    if (terminal) this.#draw = createLogUpdate(this.#stream);
    this.#everyMs = terminal ? (options.redrawEveryMs ?? 100) : (options.plainEveryMs ?? 5000);
    this.#lastMs = terminal ? -Infinity : this.#now();
  }

  /** Whether lines are redrawn in place. */
  get terminal(): boolean {
    return this.#draw !== undefined;
  }

  /** Shows `lines` on a terminal, and `plain` (the first line unless given) elsewhere. */
  update(lines: string | string[], plain?: string): void {
    const all = typeof lines === 'string' ? [lines] : lines;
    this.#pending = all.join('\n');
    this.#plain = plain ?? all[0] ?? '';
    if (this.#now() - this.#lastMs >= this.#everyMs) this.#flush();
  }

  /** Writes a line that stays, above what is redrawn. */
  print(line: string): void {
    this.#draw?.clear();
    this.#stream.write(`${line}\n`);
    if (this.#draw && this.#pending) this.#draw(this.#pending);
  }

  /** Draws the last state and leaves it standing. */
  close(): void {
    if (this.#draw) {
      if (this.#pending) this.#draw(this.#pending);
      this.#draw.done();
    } else if (this.#plain) this.#flush();
    this.#pending = this.#plain = '';
  }

  #flush(): void {
    this.#lastMs = this.#now();
    if (this.#draw) return this.#draw(this.#pending);
    this.#stream.write(`${this.#plain}\n`);
    this.#plain = '';
  }
}
