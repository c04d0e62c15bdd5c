import { tf } from '@captrain/engine';
import type { AdamW, CaptionBatch, Captioner } from '@captrain/model';

/** One step with its update, as captrain makes it; the loss before it: the mean over the caption tokens, in nats. */
export function trainingStep(
  captioner: Captioner,
  optimizer: AdamW,
  batch: CaptionBatch,
  { learningRate, dropoutKey }: { learningRate: number; dropoutKey?: { seed: number; step: number } },
): number {
  const key = dropoutKey && { ...dropoutKey, microbatch: 0 };
  const { lossSum, captionTokens, gradients } = captioner.gradientTensors(captioner.pack(batch), key);
  optimizer.apply(gradients, { scale: 1 / captionTokens, learningRate });
  tf.dispose(gradients);
  return lossSum / captionTokens;
}
