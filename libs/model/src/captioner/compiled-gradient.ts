import type { tf } from '@captrain/engine';
import { captionGradient, captionLoss, type CaptionerParts } from './caption-loss.js';
import { CompiledOfBatch } from './compiled-of-batch.js';

export interface CompiledGradientOptions {
  /** Trained tensors, among the parts' parameters, in the order of the gradients. */
  trained: readonly tf.Tensor[];
  frozen: boolean;
  /** Compile by XLA. Default: false. */
  xla?: boolean | undefined;
}

/** `captionGradient` of one captioner, compiled: the loss, then the gradients. */
export function compiledGradient(
  parts: CaptionerParts,
  { trained, frozen, xla }: CompiledGradientOptions,
): CompiledOfBatch {
  return new CompiledOfBatch(
    parts,
    (batch, seed_2) => {
      const { loss, gradients } = captionGradient(parts, trained, batch, { frozen, seed_2 });
      return [loss, ...gradients];
    },
    { name: 'caption_gradient', xla },
  );
}

/** `captionLoss` of one captioner, compiled. Never by XLA: what takes seconds for a shape pays with many calls alone. */
export function compiledLoss(parts: CaptionerParts): CompiledOfBatch {
  return new CompiledOfBatch(parts, (batch) => [captionLoss(parts, batch)], { name: 'caption_loss' });
}
