import { callFunction, defineFunction, hasFunction, type tf } from '@captrain/engine';

/**
 * a_NK · b_KM in bfloat16, either transposed where said: both are rounded, the sums run in float32, and the product,
 * rounded once more, comes back as float32. tfjs knows no bfloat16 tensors, so casts and product are one TensorFlow
 * function for each transposition. It has no gradient of tfjs's.
 */
export function matMulBfloat16(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
): tf.Tensor {
  const name = `captrain_matmul_bfloat16_${transposeA ? 't' : 'n'}${transposeB ? 't' : 'n'}`;
  if (!hasFunction(name)) define(name, transposeA, transposeB);
  return callFunction(name, [a, b], 1)[0]!;
}

function define(name: string, transposeA: boolean, transposeB: boolean): void {
  const cast = (node: string, input: number | string, to: 'bfloat16' | 'float32') => ({
    name: node,
    op: 'Cast',
    inputs: [input],
    attributes: { DstT: to },
  });
  const product = {
    name: 'product',
    op: 'MatMul',
    inputs: ['a', 'b'],
    attributes: { transpose_a: transposeA, transpose_b: transposeB },
  };
  defineFunction({
    name,
    inputs: ['float32', 'float32'],
    nodes: [cast('a', 0, 'bfloat16'), cast('b', 1, 'bfloat16'), product, cast('wide', 'product', 'float32')],
    outputs: ['wide'],
  });
}
