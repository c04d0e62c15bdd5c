import type { Update } from '@captrain/protos';

/** Lines of the run's metrics that came with updates, until they are known to be written: a new coordinator asks for them. */
export class HeardMetrics {
  private readonly byStep = new Map<number, string>();

  hear({ step, metrics, metricsWritten }: Update): void {
    if (metrics !== '') this.byStep.set(step, metrics);
    for (const known of [...this.byStep.keys()]) if (known <= metricsWritten) this.byStep.delete(known);
  }

  /** In the order of their steps. */
  get lines(): string[] {
    return [...this.byStep].toSorted(([a], [b]) => a - b).map(([, line]) => line);
  }
}
