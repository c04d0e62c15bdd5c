import { colors, formatDuration } from '@captrain/runtime';

/** Announces a demo's stages on the terminal and takes their times. */
export class Stages {
  readonly #started = performance.now();
  /** Seconds of each finished stage. */
  readonly seconds = new Map<string, number>();

  constructor(private readonly count: number) {}

  /** Runs one stage under a headline and says how long it took. */
  async run<T>(title: string, work: () => Promise<T>): Promise<T> {
    console.log(`\n${colors.bold(`[${this.seconds.size + 1}/${this.count}] ${title}`)}`);
    const started = performance.now();
    const result = await work();
    const seconds = (performance.now() - started) / 1000;
    this.seconds.set(title, seconds);
    console.log(colors.dim(`      ${formatDuration(seconds)}`));
    return result;
  }

  /** Seconds since the first stage. */
  get total(): number {
    return (performance.now() - this.#started) / 1000;
  }
}
