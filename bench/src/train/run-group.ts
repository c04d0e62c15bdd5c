import { formatDuration } from '@captrain/runtime';
import type { TrainSide } from './side.js';
import type { SideKind } from './sides.js';

/** What one side did in one group. */
export interface SideFigures {
  kind: SideKind;
  about: Readonly<Record<string, unknown>>;
  /** Of every step, warm-up included. */
  seconds: number[];
  losses: number[];
  /** By shape, one value a round: operations a second. */
  matmuls: Record<string, number[]>;
  peakBytes: number;
}

export interface GroupPlan {
  /** Steps that are not counted, and those that are. */
  warmUp: number;
  steps: number;
  /** Steps of every side that loss is compared of; they go on where the timed ones end. */
  lossSteps: number;
  /** Whether the reference, too, goes on. */
  referenceLoss: boolean;
}

/**
 * Starts the sides one after the other, then lets each do one step in turn, only one at a time; ends them all. In every
 * counted round each side multiplies matrices too, so that the machine's peak is of the same minutes.
 */
export async function runGroup(
  kinds: readonly SideKind[],
  plan: GroupPlan,
  options: {
    start: (kind: SideKind) => Promise<TrainSide>;
    progress: (text: string) => void;
    signal: AbortSignal;
  },
): Promise<SideFigures[]> {
  const { start, progress, signal } = options;
  const running: { side: TrainSide; figures: SideFigures }[] = [];
  try {
    for (const kind of kinds) {
      progress(`starting side ${running.length + 1} of ${kinds.length}: ${kind.who}, ${kind.precision}`);
      const side = await start(kind);
      const figures = { kind, about: side.about, seconds: [], losses: [], matmuls: {}, peakBytes: 0 };
      running.push({ side, figures });
    }
    const timed = plan.warmUp + plan.steps;
    const goesOn = ({ figures: { kind } }: (typeof running)[number]) =>
      kind.who === 'own' || (kind.who === 'reference' && plan.referenceLoss);
    const rounds = Math.max(timed, plan.lossSteps);
    for (let round = 0; round < rounds; round++)
      for (const each of round < timed ? running : running.filter(goesOn)) {
        signal.throwIfAborted();
        const { side, figures } = each;
        const left = running.reduce(
          (sum, other) =>
            sum +
            (other.figures.seconds.at(-1) ?? 0) *
              ((goesOn(other) ? rounds : timed) - other.figures.seconds.length),
          0,
        );
        progress(
          `step ${round + 1} of ${rounds}: ${side.name}${left > 0 ? `, about ${formatDuration(left)} left` : ''}`,
        );
        const { seconds, loss } = await side.step();
        figures.seconds.push(seconds);
        figures.losses.push(loss);
        if (round >= plan.warmUp && round < timed && figures.kind.who !== 'reference')
          for (const [shape, speed] of Object.entries(await side.matmuls()))
            (figures.matmuls[shape] ??= []).push(speed);
      }
    for (const { side, figures } of running) figures.peakBytes = (await side.finish()).peakBytes;
  } finally {
    for (const { side } of running) side.kill();
  }
  return running.map(({ figures }) => figures);
}
