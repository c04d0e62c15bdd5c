import {
  type OpTiming,
  type StageMark,
  type Stretch,
  marksOfNames,
  startProfile,
  stopProfile,
} from '@captrain/engine';
import { median } from '../median.js';
import type { ProfiledStep } from './profiled-step.js';
import { STAGES, StageRecorder } from './stage-recorder.js';

/** One step's profile. */
export interface StepProfile {
  ops: OpTiming[];
  marks: StageMark[];
  within: Stretch;
}

export interface StepProfiles {
  steps: StepProfile[];
  /** Medians, in milliseconds: of the profiled steps, and of as many in between that were not. */
  profiledMs: number;
  plainMs: number;
}

/** Profiles so many steps, each after one that is not profiled, so that the profile's own cost shows. */
export function profileSteps(step: ProfiledStep, count: number, signal: AbortSignal): StepProfiles {
  // The first steps allocate, and compile what is compiled once.
  for (let i = 0; i < 2; i++) step.run(new StageRecorder());
  const plain: number[] = [];
  const steps: StepProfile[] = [];
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const start = performance.now();
    step.run(new StageRecorder());
    plain.push(performance.now() - start);
    steps.push(profileOne(step));
  }
  const profiledMs = median(steps.map(({ within }) => within.endUs - within.startUs)) / 1000;
  return { steps, profiledMs, plainMs: median(plain) };
}

function profileOne(step: ProfiledStep): StepProfile {
  const recorder = new StageRecorder();
  startProfile();
  const startUs = performance.now() * 1000;
  let endUs = startUs;
  let ops: OpTiming[] = [];
  try {
    step.run(recorder);
    endUs = performance.now() * 1000;
  } finally {
    ops = stopProfile();
  }
  const named = marksOfNames(ops, STAGES);
  const marks = [...untilNamed(recorder.marks, named), ...named].sort((a, b) => a.startUs - b.startUs);
  return { ops, marks, within: { startUs, endUs } };
}

/** The marks of the recorder, each until an op that names its stage begins: marks do not overlap. */
function untilNamed(marks: readonly StageMark[], named: readonly StageMark[]): StageMark[] {
  return marks.map((mark) => {
    const next = named.find(({ startUs }) => startUs >= mark.startUs && startUs < mark.endUs);
    return { ...mark, endUs: Math.min(mark.endUs, next?.startUs ?? Infinity) };
  });
}
