import { STEPS_PER_EPOCH, tinyRun, variants } from '../testing/tiny-run.js';
import { type TinyInputs, writeTinyInputs } from '../tiny-inputs.js';

const [fineTuned, frozen] = Object.values(variants) as [string[], string[]];

/**
 * What a case trains. `mlp` fine-tunes the language model, with dropout; `transformer` leaves it as it is and takes the
 * data image by image; both have gradients of less than one chunk. `large` is `mlp` with a gradient of three chunks.
 */
export type Variant = 'mlp' | 'transformer' | 'large';

const flags: Record<Variant, string[]> = { mlp: fineTuned, large: fineTuned, transformer: frozen };

/** Width of `large`'s language model, of which 0.7 million values are trained; and what makes chunks of them so small. */
const LARGE = { n_embd: 96 };
const LARGE_MICROBATCHES = 10;

/** To validate on, with a caption each. */
const VALIDATION_IMAGES = 30;

/** The last of so many captions are a short microbatch. */
const VALIDATION_CAPTIONS = 22;

/** What the result of a case depends on. */
export interface Training {
  readonly variant: Variant;
  readonly epochs: number;
  readonly exchange: 'exact' | 'bf16';
  /** What a whole global batch is cut into. */
  readonly microbatches: number;
  /** Of a round. */
  readonly localSteps: number;
  /** Steps from checkpoint to checkpoint, each of which is validated; 0: none is. */
  readonly validateEvery: number;
}

const usual: Training = {
  variant: 'mlp',
  epochs: 10,
  exchange: 'exact',
  microbatches: 4,
  localSteps: 1,
  validateEvery: 0,
};

/** What a case trains: the small MLP for 40 steps, if it does not say otherwise. */
export function trainingOf({ training }: { training?: Partial<Training> }): Training {
  const microbatches = training?.variant === 'large' ? LARGE_MICROBATCHES : usual.microbatches;
  return { ...usual, microbatches, ...training };
}

/** The data and the language models of all cases. */
export interface Inputs {
  readonly small: TinyInputs;
  readonly large: TinyInputs;
}

export async function writeInputs(folder: string): Promise<Inputs> {
  return {
    small: await writeTinyInputs(`${folder}/small`, { val: VALIDATION_IMAGES }),
    large: await writeTinyInputs(`${folder}/large`, LARGE),
  };
}

export function stepsOf({ epochs }: Pick<Training, 'epochs'>): number {
  return epochs * STEPS_PER_EPOCH;
}

/** Flags of the coordinator: the run, and all that has a part in the result. */
export function trainingFlags(inputs: Inputs, training: Training, run: string): string[] {
  const { variant, epochs, exchange, microbatches, localSteps, validateEvery } = training;
  const chosen = variant === 'large' ? inputs.large : inputs.small;
  return [
    ...tinyRun(chosen, run, epochs),
    ...flags[variant],
    ...['--exchange', exchange, '--microbatches', String(microbatches)],
    ...['--local-steps', String(localSteps)],
    ...(validateEvery > 0 ? validation(validateEvery) : ['--validation-captions', '0']),
  ];
}

/** Validates with steps so long that the loss does not only fall: the last checkpoint is not the best one. */
function validation(every: number): string[] {
  return [
    ...['--checkpoint-every', String(every), '--validation-captions', String(VALIDATION_CAPTIONS)],
    ...['--learning-rate', '0.1', '--schedule', 'constant'],
  ];
}
