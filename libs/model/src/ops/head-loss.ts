// R rows that predict, c rows of a chunk, T targets, D width, V vocabulary
import { opScope, tf } from '@captrain/engine';
import type { Precision } from '../config.js';
import { groupedCrossEntropy } from './cross-entropy.js';
import { productIn } from './product.js';
import { withGradient } from './with-gradient.js';

/** What a row is to predict: any number of tokens, or none. */
export interface Targets {
  /** Token ids (int32). */
  targets_T: tf.Tensor1D;
  /** The row that predicts each (int32), ascending; −1 behind them, for padding. */
  targetRows_T: tf.Tensor1D;
}

/**
 * The sum over targets of the cross-entropy (nats) of softmax(hidden_RD · head_VDᵀ), the language model's head and the
 * loss in one. Rows go through the vocabulary in chunks, and each chunk's gradient is taken at once, so the memory for
 * logits does not grow with the batch: it is at most that of the head. The gradient is that of the sum itself: it must be
 * what is differentiated in the end. `gradients` says of what it will be asked for; no work is done for others.
 */
export function headLoss(
  hidden_RD: tf.Tensor2D,
  head_VD: tf.Tensor2D,
  targets: Targets,
  { gradients, precision }: { gradients: 'none' | 'hidden' | 'both'; precision: Precision },
): tf.Scalar {
  const [rows, width] = hidden_RD.shape;
  const multiply = productIn(precision);
  const chunk = chunkRows(rows, width);
  const forward = () => {
    const losses: tf.Tensor[] = [];
    const dHidden: tf.Tensor[] = [];
    let dHead_VD: tf.Tensor | undefined;
    for (let first = 0; first < rows; first += chunk) {
      const hidden_cD = tf.slice(hidden_RD, [first, 0], [Math.min(chunk, rows - first), width]);
      const logits_cV = multiply(hidden_cD, head_VD, false, true) as tf.Tensor2D;
      const [loss, dLogits_cV] = groupedCrossEntropy(logits_cV, {
        rows_T: tf.sub(targets.targetRows_T, tf.scalar(first, 'int32')),
        targets_T: targets.targets_T,
      });
      losses.push(loss);
      if (gradients === 'none') continue;
      // For profiles: it is the backward pass's work, whenever it is done.
      opScope('backward', () => {
        dHidden.push(multiply(dLogits_cV, head_VD, false, false));
        if (gradients !== 'both') return;
        const part_VD = multiply(dLogits_cV, hidden_cD, true, false);
        dHead_VD = dHead_VD === undefined ? part_VD : tf.add(dHead_VD, part_VD);
      });
    }
    return { loss: tf.addN(losses), dHidden, dHead_VD };
  };
  return withGradient(
    { hidden: hidden_RD, head: head_VD },
    (save) => {
      const { loss, dHidden, dHead_VD } = forward();
      if (dHidden.length > 0) save([tf.concat(dHidden), ...(dHead_VD === undefined ? [] : [dHead_VD])]);
      return loss;
    },
    (_, [dHidden_RD, dHead_VD]) => ({
      hidden: () => given(dHidden_RD, 'hidden states'),
      head: () => given(dHead_VD, 'head'),
    }),
  ) as tf.Scalar;
}

function given(gradient: tf.Tensor | undefined, of: string): tf.Tensor {
  if (gradient === undefined) throw new Error(`the gradient of the ${of} was not asked for in headLoss`);
  return tf.clone(gradient);
}

/** Rows of a chunk: no more than the head is wide, and all chunks about the same, a multiple of 16. */
function chunkRows(rows: number, width: number): number {
  const chunks = Math.ceil(rows / width);
  return Math.ceil(rows / chunks / 16) * 16;
}
