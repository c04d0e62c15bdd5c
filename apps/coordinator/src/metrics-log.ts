import { NotFoundError, type ObjectStore } from '@captrain/data';

const METRICS = 'metrics.jsonl';

/** One line of a run's metrics.jsonl. */
export interface StepMetrics {
  step: number;
  epoch: number;
  /** Mean cross-entropy per caption token of the step's global batch. */
  loss: number;
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
}

/** A run's metrics.jsonl. Object stores cannot append, so the file is written whole, now and then. */
export class MetricsLog {
  private constructor(
    private readonly store: ObjectStore,
    private readonly lines: string[],
  ) {}

  /** Opens the log of a run that goes on after `step`: later lines are dropped, for they will be written again. */
  static async open(store: ObjectStore, step: number): Promise<MetricsLog> {
    let text = '';
    try {
      text = (await store.get(METRICS)).toString('utf8');
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
    const lines = text.split('\n').filter((line) => line !== '' && stepOf(line) <= step);
    return new MetricsLog(store, lines);
  }

  add(metrics: StepMetrics): void {
    this.lines.push(JSON.stringify(metrics));
  }

  async write(): Promise<void> {
    await this.store.put(METRICS, Buffer.from(this.lines.map((line) => `${line}\n`).join('')));
  }
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as StepMetrics).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
