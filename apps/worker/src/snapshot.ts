import type { BackgroundCopy } from '@captrain/engine';
import type { SharedMemory } from '@captrain/engine/sums';
import type { StateFile } from '@captrain/model/run';

/** A file of a checkpoint, and the values of its tensors, one behind the other. */
export interface FileValues {
  readonly file: StateFile;
  readonly memory: SharedMemory;
}

/** Files of a step's checkpoint whose values are copied while the next step computes. */
export class Snapshot {
  private settled = false;

  /** `stallSeconds`: how long the thread that computes was kept by it. */
  constructor(
    readonly step: number,
    readonly updates: number,
    readonly files: readonly FileValues[],
    private readonly copies: readonly BackgroundCopy[],
    public stallSeconds: number,
    private readonly giveBack: (memory: SharedMemory) => void,
  ) {}

  /** Resolves when all values are there. */
  async ready(): Promise<void> {
    await Promise.all(this.copies.map(({ done }) => done));
    this.settled = true;
  }

  /** Returns when all values are there: what they are copied from is about to change. */
  settle(): void {
    if (this.settled) return;
    const started = performance.now();
    for (const copy of this.copies) copy.wait();
    this.settled = true;
    this.stallSeconds += (performance.now() - started) / 1000;
  }

  close(): void {
    for (const { memory } of this.files) this.giveBack(memory);
  }
}
