import { colors, formatBytes, formatTable } from '@captrain/runtime';
import { median } from '../median.js';
import type { Comparison } from './comparison.js';
import type { ExchangeBenchFigures } from './figures.js';
import type { ProxyFigures } from './proxy-check.js';
import type { Size } from './sizes.js';

interface Goal {
  what: string;
  measured: number | undefined;
  limit: number;
  atLeast?: boolean;
}

/** What the coordinator's memory may differ between 2 and 8 workers and be flat all the same. */
const FLAT = 1.25;
const BYTES_OFF = 0.01;

function goalsOf(figures: ExchangeBenchFigures): Goal[] {
  const peaks = Object.values(figures.coordinator_mb);
  const bytes = Object.values(figures.worker_bytes);
  return [
    { what: 'bf16, best --reduce: time over gloo’s', measured: figures.ratio_bf16, limit: 1 },
    { what: 'bf16 through the coordinator: time over gloo’s', measured: figures.ratio_bf16_star, limit: 2.5 },
    { what: 'exact, best --reduce: time over gloo’s', measured: figures.ratio_exact, limit: 1.5 },
    { what: 'exact through the coordinator: time over gloo’s', measured: figures.ratio_exact_star, limit: 4 },
    {
      what: 'in shared memory, as workers of one host by default: time over gloo’s',
      measured: figures.ratio_shared_memory,
      limit: 1,
    },
    { what: 'throughput at 2 ms over that without', measured: figures.ratio_2ms, limit: 0.7, atLeast: true },
    { what: 'coordinator’s peak memory, MB', measured: Math.max(...peaks), limit: 512 },
    {
      what: 'the largest peak over the smallest',
      measured: Math.max(...peaks) / Math.min(...peaks),
      limit: FLAT,
    },
    {
      what: 'a worker’s bytes apart from 2 (N − 1)/N × size, relative',
      measured: Math.max(...bytes.map((ratio) => Math.abs(ratio - 1))),
      limit: BYTES_OFF,
    },
    { what: 'stall by a checkpoint, of a step', measured: figures.checkpoint_stall, limit: 0.05 },
    { what: 'coordinator’s restart to first step, s', measured: figures.failover_seconds, limit: 5 },
  ];
}

/** Whether every goal that was measured is reached. */
export function goalsReached(figures: ExchangeBenchFigures): boolean {
  return goalsOf(figures).every(isReached);
}

function isReached({ measured, limit, atLeast }: Goal): boolean {
  return measured === undefined || (atLeast ? measured >= limit : measured <= limit);
}

export function goalsTable(figures: ExchangeBenchFigures): string {
  const rows = goalsOf(figures).flatMap((goal) => {
    if (goal.measured === undefined) return [];
    const mark = isReached(goal) ? colors.green('✓') : colors.red('✗');
    return [[mark, goal.what, `${goal.atLeast ? '≥' : '≤'} ${goal.limit}`, shown(goal.measured)]];
  });
  return formatTable([['', 'figure', 'goal', 'measured'].map(colors.bold), ...rows], 'llrr');
}

/** Median seconds of each side of the comparison. */
export function comparisonTable(
  { gloo, own, sharedMemory, collective, proxied }: Comparison,
  proxy: ProxyFigures,
): string {
  const row = (name: string, times: readonly number[]) => [
    name,
    seconds(median(times)),
    `${seconds(Math.min(...times))}–${seconds(Math.max(...times))}`,
  ];
  const delay = `${proxy.roundTripMs.toFixed(1)} ms round trip`;
  const rows = [
    ['two workers', 's', 'range'].map(colors.bold),
    row('gloo, float32', gloo),
    row('exact through the coordinator', own.coordinator.exact),
    row('bf16 through the coordinator', own.coordinator.bf16),
    row('exact between workers', own.workers.exact),
    row('bf16 between workers', own.workers.bf16),
    row('in shared memory', sharedMemory),
    row('collective, float32', collective),
    row('exact through coordinator and proxy', proxied.prompt),
    row(`the same, ${delay}`, proxied.delayed),
  ];
  const speed = `The proxy alone: ${(proxy.bytesPerSecond / 1e9).toFixed(1)} GB/s`;
  return `${formatTable(rows, 'lrr')}\n${speed}`;
}

export function sizesTable(sizes: readonly Size[]): string {
  const head = ['workers', '--reduce', '--exchange', 's', 'bytes a worker', 'coordinator’s peak'];
  const rows = sizes.flatMap(({ workers, exchanges, coordinatorPeak }) =>
    exchanges.map((each) => [
      String(workers),
      each.reduce,
      each.exchange,
      seconds(each.seconds),
      formatBytes(each.bytes),
      each.reduce === 'coordinator' ? formatBytes(coordinatorPeak) : '',
    ]),
  );
  return formatTable([head.map(colors.bold), ...rows], 'rllrrr');
}

function seconds(value: number): string {
  return value.toFixed(value < 0.1 ? 3 : 2);
}

function shown(value: number): string {
  return value < 0.01 ? value.toExponential(1) : value.toFixed(value < 100 ? 2 : 0);
}

/** The figures as the JSON line has them. */
export function rounded(figures: ExchangeBenchFigures): object {
  const digits = (_key: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(4)) : value;
  return JSON.parse(JSON.stringify(figures, digits)) as object;
}
