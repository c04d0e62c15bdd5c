import {
  callFunction,
  defineFunction,
  hasFunction,
  kernelInstructionSet,
  rawOp,
  type tf,
} from '@captrain/engine';
import { addBias } from './raw.js';

/**
 * a_NK · b_KM (+ bias_M) in bfloat16, either transposed where said: both factors are rounded to nearest even, the sums
 * run in float32, and float32 comes back. On CPUs with AVX512-BF16 a kernel of the engine does it in one pass. Where
 * there is none, and where the CPU has AMX, which oneDNN has better code for, TensorFlow casts, multiplies and casts back:
 * the product itself is then rounded to bfloat16 once more, before the bias. It has no gradient of tfjs's.
 */
export function matMulBfloat16(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
  bias?: tf.Tensor,
): tf.Tensor {
  if (kernelInstructionSet() !== 'avx512_bf16') {
    const product = castAndMultiply(a, b, transposeA, transposeB);
    return bias === undefined ? product : addBias(product, bias);
  }
  const biases = bias === undefined ? [] : [bias];
  const attributes = { transpose_a: transposeA, transpose_b: transposeB, B: { int: biases.length } };
  return rawOp('CaptrainMatMul', [a, b, ...biases], attributes)[0]!;
}

/** tfjs knows no bfloat16 tensors, so casts and product are one TensorFlow function for each transposition. */
function castAndMultiply(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
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
