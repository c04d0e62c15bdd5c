import {
  type FunctionNode,
  callFunction,
  defineFunction,
  hasFunction,
  hasProductKernel,
  rawOp,
  tf,
} from '@captrain/engine';
import type { Precision } from '@captrain/model';
import { median } from '../median.js';
import { MATMUL_SHAPES } from './matmul-shapes.js';

const REPETITIONS = 3;
/** Operations of one call, so that its casts and the call itself do not count. */
const CALL = 2e10;

/**
 * Operations a second at each shape [M, K] · [K, N] of TensorFlow's product and, where it is there, of the engine's own: the
 * median of a few calls after one that warms up.
 */
export function matmulSpeed(precision: Precision): Record<string, number> {
  const ops = ['MatMul', ...(hasProductKernel(precision) ? ['CaptrainMatMul'] : [])] as const;
  return Object.fromEntries(
    ops.flatMap((op) =>
      MATMUL_SHAPES.map(([rows, inner, columns]) => {
        const flops = 4 * rows * inner * columns;
        const rounds = Math.ceil(CALL / flops);
        const name = ['bench', op, precision, rows, inner, columns].join('_');
        if (!hasFunction(name)) define(name, op, precision, rounds);
        const inputs = tf.tidy(() => [random(rows, inner), random(inner, columns), random(columns, inner)]);
        const times = Array.from({ length: REPETITIONS + 1 }, () => {
          const started = performance.now();
          tf.dispose(callFunction(name, inputs, 1));
          return (performance.now() - started) / 1000;
        });
        tf.dispose(inputs);
        const shape = [rows, inner, columns].join('x');
        return [`${op} ${shape}`, (rounds * flops) / median(times.slice(1))];
      }),
    ),
  );
}

/**
 * x_MK → x_MK, multiplied by b_KN and then by c_NK so many times, in this precision. TensorFlow's product takes and gives
 * tensors of it; our own takes and gives float32, and rounds by itself.
 */
function define(name: string, op: string, precision: Precision, rounds: number): void {
  const own = op === 'CaptrainMatMul';
  const cast = (node: string, input: number | string, to: Precision): FunctionNode => ({
    name: node,
    op: 'Cast',
    inputs: [input],
    attributes: { DstT: own ? 'float32' : to },
  });
  const product = (node: string, a: string, b: string): FunctionNode => ({
    name: node,
    op,
    inputs: own ? [a, b, []] : [a, b],
    ...(own && { attributes: { precision: { string: precision } } }),
  });
  const nodes = [cast('x0', 0, precision), cast('b', 1, precision), cast('c', 2, precision)];
  for (let round = 0; round < rounds; round++)
    nodes.push(product(`y${round}`, `x${round}`, 'b'), product(`x${round + 1}`, `y${round}`, 'c'));
  nodes.push(cast('result', `x${rounds}`, 'float32'));
  defineFunction({ name, inputs: ['float32', 'float32', 'float32'], nodes, outputs: ['result'] });
}

/** Of a size that keeps the products' size as it is. */
function random(rows: number, columns: number): tf.Tensor {
  const shape = tf.tensor1d([rows, columns], 'int32');
  const [values] = rawOp('RandomStandardNormal', [shape], {
    dtype: 'float32',
    seed: { int: 1 },
    seed2: { int: rows },
  });
  return tf.mul(values!, 1 / Math.sqrt(rows));
}
