import { type OpSummary, type OpTiming, type StageTime, stageTimes, summariseOps } from '@captrain/engine';
import { colors, formatBytes, formatTable } from '@captrain/runtime';
import type { StepProfile } from './profile-steps.js';
import { STAGES } from './stage-recorder.js';

/** What a step's time went into, as means over the profiled steps, in milliseconds. */
export interface StepReport {
  wallMs: number;
  /** Rows' counts are those of one step; `share` is of the whole time that passed. */
  ops: OpSummary[];
  /** No op was being executed. */
  idleMs: number;
  stages: StageTime[];
}

/** Groups the ops by type, and with `byShape` also by the shapes of their inputs, which only nodes of functions tell. */
export function reportOf(steps: readonly StepProfile[], { byShape = false } = {}): StepReport {
  const count = steps.length;
  const wallMs = steps.reduce((sum, { within }) => sum + within.endUs - within.startUs, 0) / 1000 / count;
  const ops = summariseOps(
    steps.flatMap((step) => step.ops),
    byShape ? typeAndShapes : undefined,
  ).map((row) => ({
    op: row.op,
    count: row.count / count,
    totalMs: row.totalMs / count,
    wallMs: row.wallMs / count,
    share: row.wallMs / count / wallMs,
    outputBytes: row.outputBytes / count,
  }));
  const all = steps.map(({ ops: own, marks, within }) => stageTimes(own, marks, { stages: STAGES, within }));
  const stages = all[0]!.map(({ stage }, index) => ({
    stage,
    opsUs: all.reduce((sum, times) => sum + times[index]!.opsUs, 0) / count,
    idleUs: all.reduce((sum, times) => sum + times[index]!.idleUs, 0) / count,
  }));
  const idleMs = stages.reduce((sum, { idleUs }) => sum + idleUs, 0) / 1000;
  return { wallMs, ops, idleMs, stages };
}

function typeAndShapes({ op, inputs }: OpTiming): string {
  return inputs === undefined ? op : `${op} ${inputs}`;
}

/** The stages and the ops that take most of the time, `top` of them, as two tables. */
export function tablesOf({ wallMs, ops, idleMs, stages }: StepReport, top: number): string {
  const percent = (ms: number) => `${((100 * ms) / wallMs).toFixed(1)} %`;
  const stageRows = stages
    .filter(({ opsUs, idleUs }) => opsUs + idleUs >= 50)
    .map(({ stage, opsUs, idleUs }) => {
      const ms = (opsUs + idleUs) / 1000;
      return [stage, ms.toFixed(1), percent(ms), (opsUs / 1000).toFixed(1), (idleUs / 1000).toFixed(1)];
    });
  const opRows = ops
    .slice(0, top)
    .map((row) => [
      row.op,
      row.count.toFixed(0),
      row.wallMs.toFixed(1),
      percent(row.wallMs),
      row.totalMs.toFixed(1),
      formatBytes(row.outputBytes),
    ]);
  const rest = ops.slice(top);
  if (rest.length > 0) {
    const sum = (pick: (row: OpSummary) => number) => rest.reduce((total, row) => total + pick(row), 0);
    const ms = sum((row) => row.wallMs);
    opRows.push([
      `${rest.length} others`,
      sum((row) => row.count).toFixed(0),
      ...[ms.toFixed(1), percent(ms), sum((row) => row.totalMs).toFixed(1)],
      formatBytes(sum((row) => row.outputBytes)),
    ]);
  }
  opRows.push(['no op running', '', idleMs.toFixed(1), percent(idleMs), '', '']);
  const stageHead = ['stage', 'ms a step', 'share', 'of it ops', 'no op running'].map(colors.bold);
  const opHead = ['op', 'times', 'ms a step', 'share', 'ms on its threads', 'new memory'].map(colors.bold);
  return `${formatTable([stageHead, ...stageRows], 'lrrrr')}\n\n${formatTable([opHead, ...opRows], 'lrrrrr')}`;
}
