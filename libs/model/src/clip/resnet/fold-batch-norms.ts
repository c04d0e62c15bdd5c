import { tf } from '@captrain/engine';
import { parameter, type Parameters } from '../../parameters.js';
import { poolShapes, type ResnetConfig, resnetConvolutions } from './resnet-config.js';

/** PyTorch's default, which CLIP keeps. */
const EPSILON = 1e-5;

/**
 * A loaded network's parameters as `resnetFeatures` takes them: kernels lie as TensorFlow has them (height, width, in,
 * out), and each batch norm, which does not learn any more, is part of the convolution before it:
 * (conv(x) − mean) · gain / √(variance + ε) + bias. The tensors that are not in the result are disposed.
 */
export function foldBatchNorms(config: ResnetConfig, loaded: Parameters): Map<string, tf.Tensor> {
  const folded = new Map<string, tf.Tensor>();
  for (const name of poolShapes(config).keys()) folded.set(name, parameter(loaded, name));
  for (const { name, norm } of resnetConvolutions(config)) {
    const of = (part: string) => parameter(loaded, part);
    const [kernel, bias] = tf.tidy(() => {
      const gain = tf.mul(of(`${norm}.weight`), tf.rsqrt(tf.add(of(`${norm}.running_var`), EPSILON)));
      return [
        tf.mul(tf.transpose(of(`${name}.weight`), [2, 3, 1, 0]), gain),
        tf.sub(of(`${norm}.bias`), tf.mul(of(`${norm}.running_mean`), gain)),
      ] as const;
    }) as readonly [tf.Tensor, tf.Tensor];
    for (const part of [`${name}.weight`, ...NORM_PARTS.map((one) => `${norm}.${one}`)]) of(part).dispose();
    folded.set(`${name}.weight`, kernel).set(`${name}.bias`, bias);
  }
  return folded;
}

const NORM_PARTS = ['weight', 'bias', 'running_mean', 'running_var'];
