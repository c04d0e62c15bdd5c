import type { OpTiming } from './op-timing.js';

/** A stretch of time, in microseconds. */
export interface Stretch {
  startUs: number;
  endUs: number;
}

/** A stretch in which an op was the innermost on its thread. */
interface Own extends Stretch {
  index: number;
}

/**
 * Each op's part of the time that passed, in microseconds: of every moment the ops under way share equally, one for each
 * thread, and an op that calls others counts only while none of those runs. A function that XLA compiled waits for other
 * threads, so it counts only while nothing else runs. So the parts add up to the time in which
 * anything ran, however many threads there are; durations do not.
 */
export function exclusiveTimes(ops: readonly OpTiming[]): Float64Array {
  const parts = new Float64Array(ops.length);
  const waits = waitingOps(ops);
  const edges = ownStretches(ops).flatMap(({ index, startUs, endUs }) => [
    { at: startUs, index, step: 1 },
    { at: endUs, index, step: -1 },
  ]);
  edges.sort((a, b) => a.at - b.at || a.step - b.step);
  // `share` is what an op would have got that had run from the beginning until now.
  const computing = { running: 0, share: 0 };
  const waiting = { running: 0, share: 0 };
  let at = 0;
  for (const edge of edges) {
    const group = computing.running > 0 ? computing : waiting;
    if (group.running > 0) group.share += (edge.at - at) / group.running;
    at = edge.at;
    const own = waits[edge.index] ? waiting : computing;
    own.running += edge.step;
    parts[edge.index]! -= edge.step * own.share;
  }
  return parts;
}

/** The stretches of `within` in which no op ran. */
export function idleStretches(ops: readonly OpTiming[], within: Stretch): Stretch[] {
  const idle: Stretch[] = [];
  let until = within.startUs;
  const sorted = ops.toSorted((a, b) => a.startUs - b.startUs);
  for (const { startUs, durationUs } of sorted) {
    if (startUs >= within.endUs) break;
    if (startUs > until) idle.push({ startUs: until, endUs: startUs });
    until = Math.max(until, startUs + durationUs);
  }
  if (until < within.endUs) idle.push({ startUs: until, endUs: within.endUs });
  return idle;
}

/** For each op, whether it is a function whose computations are among the ops as well. */
function waitingOps(ops: readonly OpTiming[]): boolean[] {
  const modules = new Set(ops.flatMap(({ module }) => (module === undefined ? [] : [module])));
  return ops.map(
    ({ op, module }) =>
      module === undefined && [...modules].some((name) => name.startsWith(`${op}__XlaMustCompile`)),
  );
}

/** Cuts each thread's ops, which nest, into stretches of the innermost one. */
function ownStretches(ops: readonly OpTiming[]): Own[] {
  const byThread = new Map<string, Own[]>();
  ops.forEach(({ thread, startUs, durationUs }, index) => {
    const own = byThread.get(thread) ?? [];
    own.push({ index, startUs, endUs: startUs + durationUs });
    byThread.set(thread, own);
  });
  return [...byThread.values()].flatMap((own) => innermost(own));
}

function innermost(ops: Own[]): Own[] {
  ops.sort((a, b) => a.startUs - b.startUs || b.endUs - a.endUs);
  const stretches: Own[] = [];
  const open: Own[] = [];
  let at = 0;
  const passTo = (time: number) => {
    const top = open.at(-1);
    if (top !== undefined && time > at) stretches.push({ index: top.index, startUs: at, endUs: time });
    at = Math.max(at, time);
  };
  const closeUntil = (time: number) => {
    for (let top = open.at(-1); top !== undefined && top.endUs <= time; top = open.at(-1)) {
      passTo(top.endUs);
      open.pop();
    }
  };
  for (const op of ops) {
    closeUntil(op.startUs);
    passTo(op.startUs);
    open.push(op);
  }
  closeUntil(Infinity);
  return stretches;
}
