import { RandomStream } from '@captrain/model';

/** A fault at a step of a run. `worker` counts among those that run then. */
export type Fault =
  | {
      readonly kind: 'kill' | 'leave' | 'join' | 'coordinator';
      readonly step: number;
      readonly worker: number;
    }
  | { readonly kind: 'join to die'; readonly step: number; readonly at: string }
  | { readonly kind: 'stop'; readonly step: number; readonly worker: number; readonly seconds: number }
  | {
      readonly kind: 'part';
      readonly step: number;
      readonly worker: number;
      readonly seconds: number;
      readonly ways: readonly ('up' | 'down')[];
    };

export interface Schedule {
  readonly workers: number;
  /** Where the first coordinator is killed, if it is: `POINT@STEP`. */
  readonly coordinatorFault: string | undefined;
  readonly faults: readonly Fault[];
}

const workerPoints = [
  'before-compute',
  'mid-upload',
  'after-last-chunk',
  'applying',
  'applied',
  'writing-checkpoint',
];
/** Where a process of either kind may end in a run that is validated. */
const validationPoints = ['validating'];
const coordinatorPoints = [
  ...['before-metrics', 'after-metrics', 'reducing', 'before-update', 'after-first-update'],
  ...['before-manifest', 'after-manifest', 'after-best', 'after-latest'],
];
const ways = [['up'], ['down'], ['up', 'down']] as const;

/** The schedule of a number: always the same for one seed. */
export function randomSchedule(
  seed: number,
  number: number,
  { steps, validates }: { steps: number; validates: boolean },
): Schedule {
  const more = validates ? validationPoints : [];
  const random = new RandomStream(seed, `schedule ${number}`);
  const below = (count: number) => random.next() % count;
  const one = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  const stepOf = () => 1 + below(steps - 2);
  const fault = (): Fault => {
    const [step, worker, seconds] = [stepOf(), below(8), one([0.5, 1, 3, 4])];
    const kind = one(['kill', 'leave', 'join', 'coordinator', 'join to die', 'stop', 'part'] as const);
    if (kind === 'join to die') return { kind, step, at: `${one([...workerPoints, ...more])}@${step + 1}` };
    if (kind === 'stop') return { kind, step, worker, seconds };
    if (kind === 'part') return { kind, step, worker, seconds, ways: one(ways) };
    return { kind, step, worker };
  };
  return {
    workers: 1 + below(3),
    coordinatorFault: below(3) === 0 ? `${one([...coordinatorPoints, ...more])}@${stepOf()}` : undefined,
    faults: Array.from({ length: 1 + below(5) }, fault).toSorted((a, b) => a.step - b.step),
  };
}

/** A schedule in a line: `2 workers; 4 kill; 9 stop 3 s`. */
export function describeSchedule({ workers, coordinatorFault, faults }: Schedule): string {
  const parts = faults.map((fault) => {
    const start = `${fault.step} ${fault.kind}`;
    if (fault.kind === 'join to die') return `${start} ${fault.at}`;
    if (fault.kind === 'stop') return `${start} ${fault.seconds} s`;
    return fault.kind === 'part' ? `${start} ${fault.ways.join('+')} ${fault.seconds} s` : start;
  });
  const first = coordinatorFault === undefined ? [] : [`coordinator ${coordinatorFault}`];
  return [`${workers} workers`, ...first, ...parts].join('; ');
}
