import {
  callFunction,
  defineFunction,
  hasFunction,
  hasProductKernel,
  rawOp,
  type tf,
} from '@captrain/engine';
import type { Precision } from '../config.js';
import { addBias } from './raw.js';

/** a_NK · b_KM (+ bias_M), either transposed where said, without a gradient of tfjs's. */
export type Product = (
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
  bias?: tf.Tensor,
) => tf.Tensor;

/**
 * The product of matrices in a precision. In bfloat16 both factors are rounded to nearest even, the sums run in float32,
 * and float32 comes back. On CPUs with AVX-512 a kernel of the engine does it in one pass, with the same bits for any
 * number of threads. Elsewhere, and in bfloat16 where the CPU has AMX, which oneDNN has better code for, it is
 * TensorFlow's: it casts, multiplies and casts back, so in bfloat16 the product itself is rounded once more, before the
 * bias.
 */
export function productIn(precision: Precision): Product {
  if (hasProductKernel(precision)) return byKernel(precision);
  const multiply = precision === 'bfloat16' ? castAndMultiply : multiplyFloats;
  return (a, b, transposeA, transposeB, bias) => {
    const product = multiply(a, b, transposeA, transposeB);
    return bias === undefined ? product : addBias(product, bias);
  };
}

function byKernel(precision: Precision): Product {
  return (a, b, transposeA, transposeB, bias) => {
    const biases = bias === undefined ? [] : [bias];
    return rawOp('CaptrainMatMul', [a, b, ...biases], {
      precision: { string: precision },
      transpose_a: transposeA,
      transpose_b: transposeB,
      B: { int: biases.length },
    })[0]!;
  };
}

/** By name: tfjs's matMul is always a batched one, half as fast for the shapes of a Transformer. */
function multiplyFloats(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  return rawOp('MatMul', [a, b], { transpose_a: transposeA, transpose_b: transposeB })[0]!;
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
