import { exclusiveTimes } from './exclusive-times.js';
import type { OpTiming } from './op-timing.js';

/** All executions of one kind of op, together. */
export interface OpSummary {
  op: string;
  count: number;
  /** Their durations added up: more than the time that passed, where several threads execute ops. */
  totalMs: number;
  /** Their part of the time that passed (`exclusiveTimes`). */
  wallMs: number;
  /** Of all rows' `wallMs`: 0 to 1. */
  share: number;
  outputBytes: number;
}

/** One row for each type of op, or for each answer of `kindOf`; the one with most time first. */
export function summariseOps(
  ops: readonly OpTiming[],
  kindOf: (op: OpTiming) => string = ({ op }) => op,
): OpSummary[] {
  const parts = exclusiveTimes(ops);
  const all = parts.reduce((sum, part) => sum + part, 0);
  const rows = new Map<string, OpSummary>();
  ops.forEach((op, index) => {
    const kind = kindOf(op);
    const row = rows.get(kind) ?? { op: kind, count: 0, totalMs: 0, wallMs: 0, share: 0, outputBytes: 0 };
    row.count += 1;
    row.totalMs += op.durationUs / 1000;
    row.wallMs += parts[index]! / 1000;
    row.share += parts[index]! / all;
    row.outputBytes += op.outputBytes;
    rows.set(kind, row);
  });
  return [...rows.values()].sort((a, b) => b.wallMs - a.wallMs);
}
