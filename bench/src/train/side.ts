import { type Answer, startAnswering } from '../answering-program.js';

export interface StepAnswer {
  seconds: number;
  /** Mean over the caption tokens, before the step's update. */
  loss: number;
}

/** One program that trains: it does a step when it is asked to, and rests in between. */
export interface TrainSide {
  readonly name: string;
  /** What it said of itself when it was ready. */
  readonly about: Answer;
  /** A training step on the next batch. */
  step(): Promise<StepAnswer>;
  /** Operations a second of its own matrix products in its precision, by shape. */
  matmuls(): Promise<Record<string, number>>;
  /** Ends it: the highest resident memory of its process. */
  finish(): Promise<{ peakBytes: number }>;
  /** Ends it at once, where it still runs. */
  kill(): void;
}

/** A side in a process of its own, which answers `step`, `matmuls` and `quit`. */
export async function startSide(...program: Parameters<typeof startAnswering>): Promise<TrainSide> {
  const { name, about, ask, quit, kill } = await startAnswering(...program);
  return {
    name,
    about,
    step: async () => (await ask('step')) as unknown as StepAnswer,
    matmuls: async () => (await ask('matmuls')) as Record<string, number>,
    finish: async () => (await quit()) as unknown as { peakBytes: number },
    kill,
  };
}
