import { drawBar } from './bar.js';
import { formatBytes, formatCount, formatDuration, formatRate } from './format.js';
import { LiveView, type LiveViewOptions } from './live-view.js';
import { RateMeter } from './rate-meter.js';

export interface ProgressBarOptions extends LiveViewOptions {
  /** What is being done: "embedding". */
  label: string;
  /** How many units there are; without it there is no bar and no ETA. */
  total?: number;
  /** "images"; "bytes" are shown as kB, MB or GB. */
  unit: string;
  /** Units that were done before: they count as done, and not for the rate. */
  done?: number;
}

/** One line of progress: bar, done of total, rate and remaining time; a plain line every 5 s where there is no terminal. */
export class ProgressBar {
  readonly #view: LiveView;
  readonly #meter: RateMeter;
  readonly #now: () => number;
  readonly #startMs: number;
  #done = 0;
  #note = '';

  constructor(private readonly options: ProgressBarOptions) {
    this.#view = new LiveView(options);
    this.#now = options.now ?? performance.now.bind(performance);
    this.#startMs = this.#now();
    this.#done = options.done ?? 0;
    this.#meter = new RateMeter(20_000, this.#now, this.#done);
  }

  get done(): number {
    return this.#done;
  }

  add(count = 1): void {
    this.set(this.#done + count);
  }

  /** Sets how many units are done, and a note that follows the figures ("3 skipped"). */
  set(done: number, note = this.#note): void {
    this.#done = done;
    this.#note = note;
    this.#meter.set(done);
    this.#view.update(this.#line(this.#meter.perSecond, this.#eta()), this.#plain());
  }

  /** Writes a line that stays, above the bar. */
  print(line: string): void {
    this.#view.print(line);
  }

  /** Leaves one last line: what was done, in what time, at what rate over all. */
  close(): void {
    const seconds = (this.#now() - this.#startMs) / 1000;
    const overall = seconds > 0 ? (this.#done - (this.options.done ?? 0)) / seconds : 0;
    const line = this.#parts(overall, `in ${formatDuration(seconds)}`);
    this.#view.update(line, line);
    this.#view.close();
  }

  #eta(): string {
    const { total } = this.options;
    const rate = this.#meter.perSecond;
    return total !== undefined && total > this.#done && rate > 0
      ? `ETA ${formatDuration((total - this.#done) / rate)}`
      : '';
  }

  #line(rate: number, end: string): string {
    const { total } = this.options;
    if (!total) return this.#parts(rate, end);
    return `${drawBar(this.#done, total)} ${this.#parts(rate, end)}`;
  }

  #plain(): string {
    return this.#parts(this.#meter.perSecond, this.#eta());
  }

  #parts(rate: number, end: string): string {
    const { label, total, unit } = this.options;
    const count = unit === 'bytes' ? formatBytes : formatCount;
    const of = total === undefined ? '' : ` of ${count(total)}`;
    const [name, speed] =
      unit === 'bytes' ? ['', `${formatBytes(rate)}/s`] : [` ${unit}`, formatRate(rate, unit)];
    const figures = [`${count(this.#done)}${of}${name}`, speed, end, this.#note];
    return `${label}  ${figures.filter(Boolean).join(' · ')}`;
  }
}
