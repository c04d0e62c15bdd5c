import path from 'node:path';
import type { TinyInputs } from '../tiny-inputs.js';

/** The two variants that captrain trains: what is trained, and by which mapper; and the two orders of the data. */
export const variants = {
  'MLP mapper, language model fine-tuned with dropout': ['--mapper', 'mlp', '--dropout', '0.1'],
  'Transformer mapper, language model frozen, image by image': [
    '--order',
    'images',
    '--mapper',
    'transformer',
    '--mapper-layers',
    '2',
    '--mapper-heads',
    '2',
    '--freeze-language-model',
  ],
};

/** 72 captions in batches of 20: the last batch of an epoch has 3 of its 4 microbatches, the last of them short. */
export const STEPS_PER_EPOCH = 4;

/** Flags of a tiny run of `epochs` epochs in `run`. */
export function tinyRun(inputs: TinyInputs, run: string, epochs: number): string[] {
  return [
    ...['--data', inputs.data, '--language-model', inputs.languageModel, '--run', run],
    ...['--batch-size', '20', '--microbatches', '4', '--epochs', String(epochs)],
    ...['--learning-rate', '0.003', '--warmup-steps', '3', '--seed', '7', '--device', 'cpu'],
  ];
}

export function runFolder(folder: string, name: string): string {
  return path.join(folder, 'runs', name);
}
