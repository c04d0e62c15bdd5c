// B captions, P prefix positions, L caption positions that are read, T = P + L, D width, K caption tokens
import { tf } from '@captrain/engine';
import { gpt2Embed, gpt2Head, gpt2Hidden } from '../gpt2/gpt2.js';
import { mapPrefix } from '../mapper/mapper.js';
import { sumCrossEntropy } from '../ops/cross-entropy.js';
import { embedding } from '../ops/embedding.js';
import type { Captioner } from './captioner.js';
import type { CaptionBatch } from './packed-batch.js';

/**
 * The step as one would write it first: every caption behind a prefix of its own, padded to the longest, all by tfjs's
 * autograd. What everything faster is compared with.
 */
export function plainStep(captioner: Captioner, { embeddings, tokens, images }: CaptionBatch) {
  const { parts, variables, config, embeddingDim } = captioner;
  const columns = Math.max(1, ...tokens.map((caption) => caption.length - 1));
  const positions = config.prefixLength + columns;
  const inputs = tokens.flatMap((caption) => [
    ...caption.slice(0, -1),
    ...Array<number>(columns - caption.length + 1).fill(0),
  ]);
  const rows = tokens.flatMap((caption, b) =>
    caption.map((_, i) => b * positions + config.prefixLength - 1 + i),
  );
  const own = tokens.flatMap((_, caption) => {
    const image = images?.[caption] ?? caption;
    return [...embeddings.subarray(image * embeddingDim, (image + 1) * embeddingDim)];
  });
  return tf.tidy(() => {
    const loss = () => {
      const embeddings_BFC = tf.tensor3d(own, [tokens.length, 1, embeddingDim]);
      const prefix_BPD = mapPrefix(parts.mapperParameters, parts.mapper, embeddings_BFC);
      const words_BLD = gpt2Embed(
        parts.gpt2Parameters,
        tf.tensor2d(inputs, [tokens.length, columns], 'int32'),
      );
      const hidden_BTD = gpt2Hidden(parts.gpt2Parameters, parts.gpt2, tf.concat([prefix_BPD, words_BLD], 1));
      const hidden_RD = tf.reshape(hidden_BTD, [-1, parts.gpt2.n_embd]);
      const logits_KV = gpt2Head(
        parts.gpt2Parameters,
        parts.gpt2,
        embedding(hidden_RD, tf.tensor1d(rows, 'int32')),
      );
      return sumCrossEntropy(logits_KV, tf.tensor1d(tokens.flat(), 'int32'));
    };
    const { value, grads } = tf.valueAndGrads(loss)([...variables]);
    return { loss: value.dataSync()[0]!, gradients: grads.map((gradient) => gradient.dataSync().slice()) };
  });
}
