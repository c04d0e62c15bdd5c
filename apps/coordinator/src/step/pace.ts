/** Steps after which the first relief ends; each one after it lasts twice as long. */
const RELIEF_STEPS = 32;

/** Of the newest measurement in the running mean. */
const NEWEST_WEIGHT = 0.4;

/** Measurements before a worker is judged: the first ones hold the compiling of shapes. */
const LEAST_MEASUREMENTS = 4;

/** No straggler below this difference from the median, in seconds a microbatch: small ones are noise. */
const LEAST_DIFFERENCE = 0.05;

interface Record {
  seconds: number;
  measurements: number;
  reliefs: number;
  relievedUntil: number;
}

/** How fast workers compute, and which of them are so slow that the others had better do without. */
export class Pace<Worker extends object> {
  private readonly records = new WeakMap<Worker, Record>();

  /** `factor`: how many times slower than the median a straggler is. */
  constructor(private readonly factor: number) {}

  /** A worker has computed so many microbatches. */
  add(worker: Worker, seconds: number, microbatches: number): void {
    const record = this.recordOf(worker);
    const each = seconds / Math.max(1, microbatches);
    record.seconds =
      record.measurements === 0 ? each : (1 - NEWEST_WEIGHT) * record.seconds + NEWEST_WEIGHT * each;
    record.measurements++;
  }

  /** Seconds for a microbatch; 0 where the worker has not computed any. */
  secondsOf(worker: Worker): number {
    return this.records.get(worker)?.seconds ?? 0;
  }

  /** Of all that have computed; undefined where none has. */
  median(workers: readonly Worker[]): number | undefined {
    const seconds = workers.map((worker) => this.secondsOf(worker)).filter((each) => each > 0);
    return seconds.toSorted((a, b) => a - b)[Math.floor((seconds.length - 1) / 2)];
  }

  /**
   * Those who work in a step, and those relieved of it: stragglers, until enough steps have passed for another try. The
   * median is that of the faster half, so that one of two workers can be the slow one.
   */
  divide(workers: readonly Worker[], step: number): { working: Worker[]; relieved: Worker[] } {
    const median = this.median(workers);
    for (const worker of workers) {
      const record = this.recordOf(worker);
      const limit =
        median === undefined ? Infinity : Math.max(this.factor * median, median + LEAST_DIFFERENCE);
      if (record.measurements < LEAST_MEASUREMENTS || record.seconds <= limit) continue;
      if (record.relievedUntil >= step) continue;
      record.relievedUntil = step + RELIEF_STEPS * 2 ** record.reliefs++;
      record.measurements = 0;
    }
    const relieved = workers.filter((worker) => this.recordOf(worker).relievedUntil > step);
    const working = workers.filter((worker) => !relieved.includes(worker));
    return working.length > 0 ? { working, relieved } : { working: [...workers], relieved: [] };
  }

  private recordOf(worker: Worker): Record {
    let record = this.records.get(worker);
    if (record === undefined) {
      record = { seconds: 0, measurements: 0, reliefs: 0, relievedUntil: 0 };
      this.records.set(worker, record);
    }
    return record;
  }
}
