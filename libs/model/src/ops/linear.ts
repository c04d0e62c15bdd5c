import { tf } from '@captrain/engine';
import { withGradient } from './with-gradient.js';

/**
 * How a weight matrix lies: `in-out` as GPT-2's Conv1D keeps it ([in, out]), `out-in` as PyTorch's Linear does
 * ([out, in]).
 */
export type WeightLayout = 'in-out' | 'out-in';

/**
 * An affine map of the last dimension. x_…I and the weight give y_…O, plus bias_O where there is one.
 */
export function linear(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  layout: WeightLayout,
): tf.Tensor {
  const transposed = layout === 'out-in';
  const outWidth = weight.shape[transposed ? 0 : 1]!;
  const inWidth = weight.shape[transposed ? 1 : 0]!;
  const x_NI = tf.reshape(x, [-1, inWidth]);
  const y_NO = withGradient(
    bias === undefined ? { x: x_NI, weight } : { x: x_NI, weight, bias },
    (save) => {
      save([x_NI, weight]);
      const product_NO = tf.matMul(x_NI, weight, false, transposed);
      return bias === undefined ? product_NO : tf.add(product_NO, bias);
    },
    (dy_NO, [savedX, savedWeight]) => ({
      x: () => tf.matMul(dy_NO, savedWeight!, false, !transposed),
      weight: () =>
        transposed ? tf.matMul(dy_NO, savedX!, true, false) : tf.matMul(savedX!, dy_NO, true, false),
      bias: () => tf.sum(dy_NO, 0),
    }),
  );
  return tf.reshape(y_NO, [...x.shape.slice(0, -1), outWidth]);
}
