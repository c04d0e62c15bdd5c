import type { ObjectStore } from '@captrain/data/store';
import type { RunConfig } from '@captrain/model/run';
import { faultPoint } from '@captrain/runtime';
import { abandonRun, createRun, refuseRun, rewriteRun } from './run-folder.js';

/** A run's config, as its folder holds it: what its batches are cut into is written while it trains. */
export class RunRecord {
  private constructor(
    readonly store: ObjectStore,
    private current: RunConfig,
    private written: 'not yet' | 'before' | 'by us',
  ) {}

  /** Of a run that is gone on with. */
  static resumed(store: ObjectStore, config: RunConfig): RunRecord {
    return new RunRecord(store, config, 'before');
  }

  /**
   * Starts a run in an empty folder; throws a UserError where that holds a run already. One whose microbatches are still
   * to be chosen is written once they are: whatever number the config has until then stands for nothing.
   */
  static async begin(store: ObjectStore, config: RunConfig, isSettled: boolean): Promise<RunRecord> {
    if (!isSettled) await refuseRun(store);
    else {
      faultPoint('before-config', 0);
      await createRun(store, config);
    }
    return new RunRecord(store, config, isSettled ? 'by us' : 'not yet');
  }

  get config(): RunConfig {
    return this.current;
  }

  /** False where the microbatches are still to be chosen. */
  get isSettled(): boolean {
    return this.written !== 'not yet';
  }

  async settle(microbatches: number): Promise<void> {
    this.current = { ...this.current, microbatches };
    faultPoint('before-config', 0);
    await createRun(this.store, this.current);
    this.written = 'by us';
  }

  /** From update `step` on batches are cut finer. */
  async cutFrom(step: number, microbatches: number): Promise<void> {
    const others = (this.current.microbatchCuts ?? []).filter(
      (cut) => cut.step < step || (cut.step > step && cut.microbatches > microbatches),
    );
    const microbatchCuts = [...others, { step, microbatches }].toSorted((a, b) => a.step - b.step);
    this.current = { ...this.current, microbatchCuts };
    faultPoint('before-config', step);
    await rewriteRun(this.store, this.current);
  }

  /** From update `step` on sums are made collectively: for good, whatever is done later, as far as the weights are concerned. */
  async sumCollectivelyFrom(step: number): Promise<void> {
    if ((this.current.collectiveSince ?? Infinity) <= step) return;
    this.current = { ...this.current, collectiveSince: step };
    await rewriteRun(this.store, this.current);
  }

  /** Takes a new run back that came to nothing; tells whether there is none then. */
  async abandon(): Promise<boolean> {
    if (this.written === 'by us') await abandonRun(this.store);
    return this.written !== 'before';
  }
}
