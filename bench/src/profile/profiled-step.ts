import type { Captioner, CaptionBatch } from '@captrain/model';
import type { StageRecorder } from './stage-recorder.js';

/**
 * A way to make one training step, which can be profiled. What is no op of a stage by its name (`forward/…`, as `opScope`
 * gives it) is told by the recorder: `begin` a stage where it begins; it lasts until another begins, or an op that names
 * its own does.
 */
export interface ProfiledStep {
  /** For people: what computes the step. */
  readonly title: string;
  /** One whole step, the results read or waited for. */
  run(stages: StageRecorder): void;
  close(): void;
}

/** Makes a step over a captioner (which stays the caller's) and a batch. */
export type MakeStep = (captioner: Captioner, batch: CaptionBatch) => ProfiledStep;
