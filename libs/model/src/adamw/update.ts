import type { BackgroundCopy, tf } from '@captrain/engine';

/** A gradient: flat, in the order of the variables, or one tensor for each of them. */
export type Gradient = Float32Array | readonly tf.Tensor[];

/** What one update multiplies by; float32 takes them as they are rounded from these. */
export interface UpdateFactors {
  /** Of the gradient. */
  scale: number;
  /** Learning rate · bias correction. */
  stepSize: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** 1 − learning rate · weight decay. */
  decay: number;
}

/** Some of the parameters: those at [first, end) of the flat array, whole ones. */
export interface ParameterRange {
  readonly first: number;
  readonly end: number;
}

export type Moment = 'mean' | 'square';

/** AdamW's two moments of a list of variables, and how they update these: nothing is checked here. */
export interface Moments {
  update(gradient: Gradient, factors: UpdateFactors): void;
  /** Writes the moments into two flat arrays, or one of them. */
  write(means: Float32Array | undefined, squares: Float32Array | undefined): void;
  /** Starts to write one moment of some parameters into an array of their length. */
  copyInBackground(moment: Moment, range: ParameterRange, into: Float32Array): BackgroundCopy;
  /** One moment: flat, tensor behind tensor, in the order of the variables. */
  tensors(moment: Moment): readonly tf.Tensor[];
  /** Takes copies of two flat arrays as the moments. */
  read(means: Float32Array, squares: Float32Array): void;
  close(): void;
}
