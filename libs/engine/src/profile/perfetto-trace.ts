import type { OpTiming } from './op-timing.js';
import type { StageMark } from './stages.js';

/**
 * An event of Chrome's trace format: a complete one (`X`), with times in microseconds, or the name of a track (`M`).
 * Source: "Trace Event Format", Google, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
 */
export type TraceEvent =
  | {
      ph: 'X';
      pid: number;
      tid: number;
      name: string;
      cat: string;
      ts: number;
      dur: number;
      args?: Record<string, string | number>;
    }
  | {
      ph: 'M';
      pid: number;
      tid: number;
      name: 'process_name' | 'thread_name' | 'thread_sort_index';
      args: Record<string, string | number>;
    };

export interface Trace {
  displayTimeUnit: 'ms';
  traceEvents: TraceEvent[];
}

const PID = 1;
const STAGES = 1;

/**
 * A trace that https://ui.perfetto.dev and chrome://tracing open: the stages on top, below them a track for each of
 * TensorFlow's threads. Times begin with the first event.
 */
export function perfettoTrace(
  ops: readonly OpTiming[],
  marks: readonly StageMark[],
  title = 'captrain',
): Trace {
  const starts = [...ops, ...marks].map(({ startUs }) => startUs);
  const origin = starts.reduce((least, startUs) => Math.min(least, startUs), Infinity);
  const threads = [...new Set(ops.map(({ thread }) => thread))].sort();
  const tids = new Map(threads.map((thread, index) => [thread, STAGES + 1 + index]));
  return {
    displayTimeUnit: 'ms',
    traceEvents: [
      { ph: 'M', pid: PID, tid: 0, name: 'process_name', args: { name: title } },
      ...trackNames(STAGES, 'stages'),
      ...threads.flatMap((thread) => trackNames(tids.get(thread)!, thread)),
      ...marks.map((mark) => complete(STAGES, mark.stage, 'stage', mark, origin)),
      ...ops.map((op) => ({
        ...complete(tids.get(op.thread)!, op.op, 'op', { ...op, endUs: op.startUs + op.durationUs }, origin),
        args: { node: op.name, inputs: op.inputs ?? '', outputBytes: op.outputBytes },
      })),
    ],
  };
}

function trackNames(tid: number, name: string): TraceEvent[] {
  return [
    { ph: 'M', pid: PID, tid, name: 'thread_name', args: { name } },
    { ph: 'M', pid: PID, tid, name: 'thread_sort_index', args: { sort_index: tid } },
  ];
}

function complete(
  tid: number,
  name: string,
  cat: string,
  { startUs, endUs }: { startUs: number; endUs: number },
  origin: number,
): TraceEvent {
  return { ph: 'X', pid: PID, tid, name, cat, ts: round(startUs - origin), dur: round(endUs - startUs) };
}

/** To nanoseconds: what the clock gives, and no digits beyond. */
function round(us: number): number {
  return Number(us.toFixed(3));
}
