import { type Stretch, exclusiveTimes, idleStretches } from './exclusive-times.js';
import type { OpTiming } from './op-timing.js';

/** A stretch of time in which the caller was at one stage of his work. Marks of one profile do not overlap. */
export interface StageMark extends Stretch {
  stage: string;
}

/** A stage's part of the time that passed, in microseconds. */
export interface StageTime {
  stage: string;
  /** Something of this stage ran in TensorFlow. */
  opsUs: number;
  /** Nothing did: the time of JavaScript, of dispatching ops, of waiting. */
  idleUs: number;
}

/** What neither a name nor a mark puts into a stage. */
export const NO_STAGE = 'other';

/**
 * The stage of an op: the first part of its name that is one of `stages` ("forward/h0/attn/MatMul"; TensorFlow's
 * optimizer and calls of other functions put parts of their own before it), or else the mark in which it began.
 */
export function stageOf(op: OpTiming, stages: ReadonlySet<string>, marks: readonly StageMark[]): string {
  const named = stageInName(op, stages);
  if (named !== undefined) return named;
  return marks.find(({ startUs, endUs }) => op.startUs >= startUs && op.startUs < endUs)?.stage ?? NO_STAGE;
}

/** The time of `within` by stage, in the order of `stages` and then the rest: the parts add up to the whole. */
export function stageTimes(
  ops: readonly OpTiming[],
  marks: readonly StageMark[],
  { stages, within }: { stages: readonly string[]; within: Stretch },
): StageTime[] {
  const known = new Set(stages);
  const times = new Map<string, StageTime>();
  for (const stage of [...stages, NO_STAGE]) times.set(stage, { stage, opsUs: 0, idleUs: 0 });
  const timeOf = (stage: string) => times.get(stage) ?? times.get(NO_STAGE)!;
  const parts = exclusiveTimes(ops);
  ops.forEach((op, index) => (timeOf(stageOf(op, known, marks)).opsUs += parts[index]!));
  for (const idle of idleStretches(ops, within)) {
    let rest = idle.endUs - idle.startUs;
    for (const mark of marks) {
      const common = Math.min(idle.endUs, mark.endUs) - Math.max(idle.startUs, mark.startUs);
      if (common <= 0) continue;
      timeOf(mark.stage).idleUs += common;
      rest -= common;
    }
    timeOf(NO_STAGE).idleUs += rest;
  }
  return [...times.values()];
}

/**
 * Marks for the ops whose names carry their stage, as a compiled function's do: from the first of a run of ops of the
 * same stage until the last ends, or the next run begins.
 */
export function marksOfNames(ops: readonly OpTiming[], stages: readonly string[]): StageMark[] {
  const known = new Set(stages);
  const marks: StageMark[] = [];
  for (const op of ops.toSorted((a, b) => a.startUs - b.startUs)) {
    const stage = stageInName(op, known);
    if (stage === undefined) continue;
    const endUs = op.startUs + op.durationUs;
    const last = marks.at(-1);
    if (last?.stage === stage) {
      last.endUs = Math.max(last.endUs, endUs);
      continue;
    }
    if (last !== undefined) last.endUs = Math.min(last.endUs, op.startUs);
    marks.push({ stage, startUs: op.startUs, endUs });
  }
  return marks;
}

function stageInName(op: OpTiming, stages: ReadonlySet<string>): string | undefined {
  return op.name
    .split('/')
    .slice(0, -1)
    .find((part) => stages.has(part));
}
