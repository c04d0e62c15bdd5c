import { hasKernels, rawOp, type tf } from '@captrain/engine';
import type { ActivationName } from './activation-names.js';
import { type ActivationKind, COMPOSED_ACTIVATIONS } from './composed-activations.js';
import { withGradient } from './with-gradient.js';

/** Activations by their names; several name one function that transformers computes in several ways. */
export const ACTIVATIONS: Record<ActivationName, (x: tf.Tensor) => tf.Tensor> = {
  relu: by('relu'),
  tanh: by('tanh'),
  sigmoid: by('sigmoid'),
  gelu: by('gelu'),
  gelu_python: by('gelu'),
  gelu_new: by('gelu_new'),
  gelu_fast: by('gelu_new'),
  gelu_accurate: by('gelu_new'),
  gelu_pytorch_tanh: by('gelu_new'),
  gelu_python_tanh: by('gelu_new'),
  quick_gelu: by('quick_gelu'),
  silu: by('silu'),
  swish: by('silu'),
};

function by(kind: ActivationKind): (x: tf.Tensor) => tf.Tensor {
  return (x) => (hasKernels() ? byKernel(x, kind) : COMPOSED_ACTIVATIONS[kind](x));
}

/** One op forward and one backward, which keeps x alone. */
function byKernel(x: tf.Tensor, kind: ActivationKind): tf.Tensor {
  const attributes = { kind: { string: kind } };
  return withGradient(
    { x },
    (save) => {
      save([x]);
      return rawOp('CaptrainActivation', [x], attributes)[0]!;
    },
    (dy, [savedX]) => ({ x: () => rawOp('CaptrainActivationGrad', [dy, savedX!], attributes)[0]! }),
  );
}
