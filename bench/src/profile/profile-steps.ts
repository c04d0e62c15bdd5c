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
  // The first step allocates, and builds what is built once.
  step.run(new StageRecorder());
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
  return { ops, marks: [...recorder.marks, ...marksOfNames(ops, STAGES)], within: { startUs, endUs } };
}
