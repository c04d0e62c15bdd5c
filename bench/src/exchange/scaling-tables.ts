import type { ScalingConstants } from './constants.js';
import { markdownTable } from './markdown-table.js';
import { type AnyReduce, type Hardware, type Setting, exchangeTime, stepSeconds } from './scaling-model.js';

export interface Variant {
  title: string;
  parameters: number;
  /** Useful operations of one caption. */
  captionFlops: number;
}

export interface Assumptions {
  hardware: Omit<Hardware, 'network'>;
  workersPerHost: number;
  /** Operations a second that a GPU sustains. */
  flops: number;
  /** Captions of a step for each GPU. */
  captions: number;
}

const NETWORKS = [10, 100, 400];
const GPUS = [8, 64, 512];
const GIGABIT = 1e9 / 8;

interface Way {
  reduce: AnyReduce;
  exchange: 'exact' | 'bf16';
  localAggregation: boolean;
}

const ways: readonly Way[] = [
  ...(['coordinator', 'workers'] as const).flatMap((reduce) =>
    (['exact', 'bf16'] as const).flatMap((exchange) =>
      [true, false].map((localAggregation) => ({ reduce, exchange, localAggregation })),
    ),
  ),
  { reduce: 'collective', exchange: 'exact', localAggregation: true },
];

const columns = NETWORKS.flatMap((gigabits) => GPUS.map((gpus) => ({ gigabits, gpus })));

const wayHead = ['`--reduce`', '`--exchange`', 'sums on the host'];
const wayCells = ({ reduce, exchange, localAggregation }: Way) => [
  reduce,
  reduce === 'collective' ? 'float32' : exchange,
  localAggregation ? 'yes' : 'no',
];

/** Letters for what bounds an exchange. */
const BOUNDS = {
  network: 'n',
  'event loop': 'e',
  processors: 'p',
  'host memory': 'm',
  calls: 'c',
} as const;

/** All tables for one variant, as Markdown. */
export function variantTables(variant: Variant, assumed: Assumptions, constants: ScalingConstants): string {
  const setting = (way: Way, gigabits: number, workers: number): Setting => ({
    ...way,
    parameters: variant.parameters,
    workers,
    workersPerHost: assumed.workersPerHost,
    hardware: { ...assumed.hardware, network: gigabits * GIGABIT },
  });
  const compute = (assumed.captions * variant.captionFlops) / assumed.flops;
  const exchangeOf = (way: Way, gigabits: number, gpus: number) =>
    exchangeTime(setting(way, gigabits, gpus), constants);
  const byWay = (cell: (way: Way, gigabits: number, gpus: number) => string) =>
    markdownTable(
      [
        [...wayHead, ...columns.map(({ gigabits, gpus }) => `${gigabits} Gb/s × ${gpus}`)],
        ...ways.map((way) => [
          ...wayCells(way),
          ...columns.map(({ gigabits, gpus }) => cell(way, gigabits, gpus)),
        ]),
      ],
      `lll${'r'.repeat(columns.length)}`,
    );
  const millions = (variant.parameters / 1e6).toFixed(1);
  return [
    `### ${variant.title}: ${millions} M trainable values`,
    'Seconds of an exchange; the letter says what bounds it.',
    byWay((way, gigabits, gpus) => {
      const { seconds, bound } = exchangeOf(way, gigabits, gpus);
      return `${shown(seconds)} ${BOUNDS[bound]}`.trim();
    }),
    `Efficiency with ${assumed.captions} captions a step for each GPU: ${shown(compute)} s of computation.`,
    byWay((way, gigabits, gpus) => {
      const { seconds } = exchangeOf(way, gigabits, gpus);
      return `${((100 * compute) / stepSeconds(compute, seconds)).toFixed(0)} %`;
    }),
    `Efficiency of 64 GPUs with \`--local-steps H\`, exact, sums on the host.`,
    localStepsTable(
      compute,
      (reduce, gigabits) =>
        exchangeOf({ reduce, exchange: 'exact', localAggregation: true }, gigabits, 64).seconds,
    ),
  ].join('\n\n');
}

function localStepsTable(compute: number, exchange: (reduce: AnyReduce, gigabits: number) => number): string {
  const every = [1, 10, 100, 500];
  const rows = (['coordinator', 'workers'] as const).flatMap((reduce) =>
    NETWORKS.map((gigabits) => [
      reduce,
      `${gigabits} Gb/s`,
      ...every.map((steps) => {
        const step = stepSeconds(compute, exchange(reduce, gigabits), steps);
        return `${((100 * compute) / step).toFixed(0)} %`;
      }),
    ]),
  );
  return markdownTable(
    [['`--reduce`', 'network', ...every.map((steps) => `H = ${steps}`)], ...rows],
    'llrrrr',
  );
}

/** The constants, with the letters of docs/scaling.md. */
export function constantsTable(constants: ScalingConstants): string {
  const { exact, bf16, latencySeconds, callSeconds, sumBytesPerSecond } = constants;
  const perGigabyte = (cost: number) => `${(cost * 1e9).toFixed(2)} s/GB`;
  const both = (what: string, pick: (costs: typeof exact) => number) => [
    what,
    perGigabyte(pick(exact)),
    perGigabyte(pick(bf16)),
  ];
  const same = (what: string, value: string) => [what, value, value];
  const rows = [
    ['', 'exact', 'bf16'],
    both('c: a caller, all threads', ({ client }) => client.all),
    both('cₗ: its event loop', ({ client }) => client.loop),
    both('r: a reducer, all threads', ({ reducer }) => reducer.all),
    both('rₗ: its event loop', ({ reducer }) => reducer.loop),
    same('s: added by one thread', `${(sumBytesPerSecond / 1e9).toFixed(1)} GB/s`),
    same('t: almost nothing', `${(latencySeconds * 1e3).toFixed(1)} ms`),
    same('k: calls of one more worker', `${(callSeconds * 1e3).toFixed(2)} ms`),
  ];
  return markdownTable(rows, 'lrr');
}

/** What the model says of the machine that its constants are of, beside what was measured there. */
export function comparisonTable(constants: ScalingConstants): string {
  const hardware: Hardware = {
    network: Infinity,
    roundTrip: 0,
    cores: constants.cores,
    deviceCopy: Infinity,
    deviceLink: Infinity,
    collectiveEfficiency: 1,
  };
  const rows = constants.measured.map(({ reduce, exchange, workers, seconds }) => {
    const { parameters } = constants;
    const setting = { reduce, exchange, parameters, workers, workersPerHost: workers, hardware };
    const predicted = exchangeTime({ ...setting, localAggregation: false }, constants);
    const difference = (100 * (predicted.seconds - seconds)) / seconds;
    return [
      reduce,
      exchange,
      String(workers),
      shown(seconds),
      shown(predicted.seconds),
      `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(0)} %`,
      predicted.bound,
    ];
  });
  const head = ['`--reduce`', '`--exchange`', 'workers', 'measured, s', 'model, s', 'difference', 'bound'];
  return markdownTable([head, ...rows], 'llrrrrl');
}

function shown(seconds: number): string {
  if (seconds >= 10) return seconds.toFixed(0);
  return seconds.toFixed(seconds >= 1 ? 1 : seconds >= 0.1 ? 2 : 3);
}
