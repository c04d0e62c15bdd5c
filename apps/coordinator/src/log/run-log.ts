import { ConflictError, NotFoundError, type ObjectStore } from '@captrain/data/store';
import { faultPoint } from '@captrain/runtime';
import type { StorePatience } from './store-patience.js';

/** One line of a run's metrics.jsonl. */
export interface StepMetrics {
  step: number;
  epoch: number;
  /** Mean cross-entropy per caption token of the step's global batch; null where it is not finite. */
  loss: number | null;
  lr: number;
  captions: number;
  tokens: number;
  /** Wall time of the step. */
  seconds: number;
  /** Of these, from the last worker's end of computing to the start of the next step. */
  exchange_seconds: number;
  /** The longest that a worker waited for its data. */
  input_seconds: number;
  workers: number;
  /** The gradient was not finite, and nothing was updated. */
  skipped?: true;
  /** Mean cross-entropy per caption token on the validation captions, after the step; null where it is not finite. */
  validation_loss?: number | null;
  /** How long training stood still for it. */
  validation_seconds?: number;
}

/** One line of a run's ledger.jsonl: steps of a round of local steps have one each, as their epochs may differ. */
export interface LedgerLine {
  readonly step: number;
  readonly epoch: number;
  /** Captions trained on, by their position in the split. */
  readonly samples: readonly number[];
}

/** A step, or a round, as it is kept until it is in the run's folder. */
export interface StepRecord {
  readonly metrics: StepMetrics;
  /** Where the run keeps one. */
  readonly ledger?: readonly LedgerLine[];
}

/**
 * A run's metrics.jsonl, and its ledger.jsonl where one is kept. Object stores cannot append, so files are written whole,
 * now and then, in the background; and only over what this coordinator wrote or found, so that one that was replaced
 * cannot harm its successor's.
 */
export class RunLog {
  private readonly files: LineFile[];
  private writing: Promise<void> | undefined;
  private step: number;
  private skippedSteps: number[];

  private constructor(
    private readonly metrics: LineFile,
    private readonly ledger: LineFile | undefined,
    private readonly patience: StorePatience,
  ) {
    this.files = [metrics, ...(ledger === undefined ? [] : [ledger])];
    this.step = Math.min(...this.files.map((file) => file.written));
    this.skippedSteps = metrics.stepsWith('"skipped":true');
    this.rewind(this.step);
  }

  /** Opens a run's log as it was left. `leads`: whether this coordinator leads the run. */
  static async open(
    store: ObjectStore,
    { ledger, patience, leads }: { ledger: boolean; patience: StorePatience; leads: () => Promise<boolean> },
  ): Promise<RunLog> {
    const metrics = await LineFile.open(store, 'metrics.jsonl', leads);
    const kept = ledger ? await LineFile.open(store, 'ledger.jsonl', leads) : undefined;
    return new RunLog(metrics, kept, patience);
  }

  /** The last step that the log knows. */
  get lastStep(): number {
    return this.step;
  }

  /** The last step whose line is in the run's folder. */
  get writtenStep(): number {
    return Math.min(...this.files.map((file) => file.written));
  }

  /** Steps whose gradient was not finite. */
  get skipped(): number {
    return this.skippedSteps.length;
  }

  /**
   * Adds a step behind the others; one that is known already is left as it is. Where steps in between are missing, they are
   * taken from what was forgotten: a worker came back that holds a newer state than the others had to go back to.
   */
  add({ metrics, ledger }: StepRecord): void {
    if (metrics.step <= this.step) return;
    for (const file of this.files) file.restore(metrics.step);
    if (this.metrics.last > this.step) this.skippedSteps = this.metrics.stepsWith('"skipped":true');
    this.step = metrics.step;
    if (metrics.skipped) this.skippedSteps.push(metrics.step);
    this.metrics.add(metrics.step, metrics);
    const { step, epoch } = metrics;
    for (const line of ledger ?? [{ step, epoch, samples: [] }]) this.ledger?.add(line.step, line);
  }

  /**
   * Whether it will have the line of every step once it has gone on to this one: what it neither has nor has forgotten is
   * among the steps that workers `told` the lines of. `before`: steps done when the one that ends with so many begins.
   */
  reaches(step: number, told: ReadonlySet<number>, before: (step: number) => number): boolean {
    // A run may keep a ledger only since it was resumed.
    const files = this.ledger?.isEmpty && !this.metrics.isEmpty ? [this.metrics] : this.files;
    const isKnown = (done: number) => told.has(done) || files.every((file) => file.remembers(done));
    for (let done = step; done > this.step; done = before(done)) if (!isKnown(done)) return false;
    return true;
  }

  /** Adds to the line of the last step. */
  amend(step: number, more: Partial<StepMetrics>): void {
    this.metrics.amend(step, more);
  }

  /** Forgets what comes after a step: it will come again. */
  rewind(step: number): void {
    this.step = Math.min(this.step, step);
    this.skippedSteps = this.skippedSteps.filter((skipped) => skipped <= step);
    for (const file of this.files) file.rewind(step);
  }

  /** Begins to write what is new, unless that is under way; failures are borne with patience. */
  writeInBackground(): void {
    if (this.writing === undefined) void this.patience.attempt('write metrics', () => this.write());
  }

  /** Writes what is new. */
  write(): Promise<void> {
    const write = async () => {
      faultPoint('before-metrics', this.step);
      for (const file of this.files) await file.write();
      faultPoint('after-metrics', this.step);
    };
    // One after the other: each writes over what the one before wrote.
    const writing = (this.writing ?? Promise.resolve()).catch(() => {}).then(write);
    this.writing = writing;
    const done = () => {
      if (this.writing === writing) this.writing = undefined;
    };
    writing.then(done, done);
    return writing;
  }

  /** Waits for a write that is under way, however it ends. */
  async settled(): Promise<void> {
    await this.writing?.catch(() => {});
  }

  /** Writes all there is. Throws what the store says once patience is over. */
  async close(): Promise<void> {
    while (this.files.some((file) => file.isDirty)) {
      await this.patience.attempt('write metrics', () => this.write());
      await this.patience.pause();
    }
  }
}

/** A file of one JSON line a step. */
class LineFile {
  /** The last step that is in the store. */
  written = 0;
  /** Whether the store has other lines. */
  isDirty = false;
  /** Lines of steps that were forgotten and have not come again. */
  private forgotten: { step: number; text: string }[] = [];

  private constructor(
    private readonly store: ObjectStore,
    private readonly name: string,
    private readonly lines: { step: number; text: string }[],
    private etag: string | undefined,
    private readonly leads: () => Promise<boolean>,
  ) {
    this.written = lines.at(-1)?.step ?? 0;
  }

  static async open(store: ObjectStore, name: string, leads: () => Promise<boolean>): Promise<LineFile> {
    let text = '';
    try {
      text = (await store.get(name)).toString('utf8');
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
    const etag = (await store.stat(name))?.etag;
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ step: stepOf(line), text: line }))
      .filter(({ step }) => Number.isFinite(step));
    return new LineFile(store, name, lines, etag, leads);
  }

  /** The steps whose lines hold a text. */
  stepsWith(part: string): number[] {
    return this.lines.filter(({ text }) => text.includes(part)).map(({ step }) => step);
  }

  /** The last step that it has a line of. */
  get last(): number {
    return this.lines.at(-1)?.step ?? 0;
  }

  get isEmpty(): boolean {
    return this.lines.length + this.forgotten.length === 0;
  }

  /** Whether it has forgotten a step's line, and could take it back. */
  remembers(step: number): boolean {
    return this.forgotten.some((line) => line.step === step);
  }

  /** Takes back what was forgotten of the steps before this one, which comes next. */
  restore(next: number): void {
    this.lines.push(...this.forgotten.filter(({ step }) => step > this.last && step < next));
    this.forgotten = this.forgotten.filter(({ step }) => step > next);
  }

  add(step: number, line: object): void {
    this.lines.push({ step, text: JSON.stringify(line) });
    this.isDirty = true;
  }

  /** Adds to the last line, if it is that of the step. */
  amend(step: number, more: object): void {
    const last = this.lines.at(-1);
    if (last?.step !== step) return;
    last.text = JSON.stringify({ ...(JSON.parse(last.text) as object), ...more });
    this.isDirty = true;
  }

  rewind(step: number): void {
    if (this.last > step) this.isDirty = true;
    const cut = this.lines.findIndex((line) => line.step > step);
    if (cut >= 0) {
      const gone = this.lines.splice(cut);
      this.forgotten = [...gone, ...this.forgotten.filter((old) => old.step > gone.at(-1)!.step)];
    }
    this.written = Math.min(this.written, step);
  }

  async write(): Promise<void> {
    if (!this.isDirty) return;
    this.isDirty = false;
    const step = this.lines.at(-1)?.step ?? 0;
    const body = Buffer.from(this.lines.map(({ text }) => `${text}\n`).join(''));
    try {
      await this.put(body).catch(async (error: unknown) => {
        // A leader that stood still and was replaced may have written after its successor had looked. The one that leads
        // writes over that; the other hears that it leads no longer.
        if (!(error instanceof ConflictError) || !(await this.leads())) throw error;
        this.etag = (await this.store.stat(this.name))?.etag;
        await this.put(body);
      });
    } catch (error) {
      this.isDirty = true;
      throw error;
    }
    this.written = step;
  }

  private async put(body: Buffer): Promise<void> {
    const condition = this.etag === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: this.etag };
    this.etag = (await this.store.put(this.name, body, condition)).etag;
  }
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as StepMetrics).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
