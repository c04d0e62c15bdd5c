import { tf } from '@captrain/engine';
import type { Precision } from '../config.js';
import { productIn } from './product.js';
import { sumToLast } from './raw.js';
import { withGradient } from './with-gradient.js';

/**
 * How a weight matrix lies: `in-out` as GPT-2's Conv1D keeps it ([in, out]), `out-in` as PyTorch's Linear does
 * ([out, in]).
 */
export type WeightLayout = 'in-out' | 'out-in';

/**
 * An affine map of the last dimension. x_…I and the weight give y_…O, plus bias_O where there is one. The precision is
 * that of the product and of both products of its gradient; all that comes in and goes out is float32.
 */
export function linear(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  layout: WeightLayout,
  precision: Precision = 'float32',
): tf.Tensor {
  const multiply = productIn(precision);
  const transposed = layout === 'out-in';
  const outWidth = weight.shape[transposed ? 0 : 1]!;
  const inWidth = weight.shape[transposed ? 1 : 0]!;
  const x_NI = x.rank === 2 ? x : tf.reshape(x, [-1, inWidth]);
  const y_NO = withGradient(
    bias === undefined ? { x: x_NI, weight } : { x: x_NI, weight, bias },
    (save) => {
      save([x_NI, weight]);
      return multiply(x_NI, weight, false, transposed, bias);
    },
    (dy_NO, [savedX, savedWeight]) => ({
      x: () => multiply(dy_NO, savedWeight!, false, !transposed),
      weight: () =>
        transposed ? multiply(dy_NO, savedX!, true, false) : multiply(savedX!, dy_NO, true, false),
      bias: () => sumToLast(dy_NO),
    }),
  );
  return x.rank === 2 ? y_NO : tf.reshape(y_NO, [...x.shape.slice(0, -1), outWidth]);
}
