import type { StageMark } from '@captrain/engine';

/** Where a training step is, in order. */
export const STAGES = ['data', 'forward', 'backward', 'exchange', 'update'] as const;
export type Stage = (typeof STAGES)[number];

/** The stages of one step, as it goes through them: the last one begun lasts until the next begins, or until `end`. */
export class StageRecorder {
  readonly marks: StageMark[] = [];

  begin(stage: Stage): void {
    const now = performance.now() * 1000;
    this.end(now);
    this.marks.push({ stage, startUs: now, endUs: Infinity });
  }

  end(now = performance.now() * 1000): void {
    const last = this.marks.at(-1);
    if (last !== undefined) last.endUs = Math.min(last.endUs, now);
  }
}
