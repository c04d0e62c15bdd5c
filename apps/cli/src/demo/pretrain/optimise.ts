import { tf } from '@captrain/engine';
import { AdamW, learningRateAt } from '@captrain/model';
import { formatDuration } from '@captrain/runtime';

export interface PretrainOptions {
  seed: number;
  /** Steps, instead of the recipe's. */
  steps?: number | undefined;
  /** Threads of TensorFlow; 0: one for each processor. */
  threads: number;
}

export interface Recipe {
  steps: number;
  learningRate: number;
  warmupSteps: number;
  weightDecay: number;
}

/** The longest gradient (L2 norm over all parameters) that is applied as it is; longer ones are scaled down. */
const longestGradient = 1;

/**
 * Trains variables by AdamW: `loss(step)` prepares a batch and gives the function of its loss. Prints the mean loss
 * and the time left every hundred steps; `onHundred` may measure more.
 */
export async function optimise(
  variables: readonly tf.Variable[],
  recipe: Recipe,
  loss: (step: number) => Promise<() => tf.Scalar>,
): Promise<void> {
  const adamW = new AdamW(variables, {
    weightDecay: recipe.weightDecay,
    beta1: 0.9,
    beta2: 0.98,
    epsilon: 1e-6,
  });
  const schedule = { ...recipe, schedule: 'linear' as const };
  const started = performance.now();
  let lossSum = 0;
  for (let step = 0; step < recipe.steps; step++) {
    const lossOfBatch = await loss(step);
    tf.tidy(() => {
      const { value, grads } = tf.valueAndGrads(lossOfBatch)([...variables]);
      const norm = Math.sqrt(tf.addN(grads.map((gradient) => tf.sum(tf.square(gradient)))).dataSync()[0]!);
      adamW.apply(grads, {
        scale: Math.min(1, longestGradient / norm),
        learningRate: learningRateAt(schedule, step + 1, recipe.steps + 1),
      });
      lossSum += value.dataSync()[0]!;
    });
    if ((step + 1) % 100 === 0) {
      const seconds = (performance.now() - started) / 1000;
      const left = (seconds / (step + 1)) * (recipe.steps - step - 1);
      const mean = (lossSum / 100).toFixed(3);
      console.log(`step ${step + 1} of ${recipe.steps} · loss ${mean} · ${formatDuration(left)} left`);
      lossSum = 0;
    }
  }
  adamW.close();
}

/** Tensors as variables under the same names. */
export function asVariables(parameters: ReadonlyMap<string, tf.Tensor>): Map<string, tf.Variable> {
  return new Map([...parameters].map(([name, tensor]) => [name, tf.variable(tensor)]));
}

/** The values of parameters, for writing. */
export function valuesOf(parameters: ReadonlyMap<string, tf.Tensor>): Map<string, Float32Array> {
  return new Map([...parameters].map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]));
}
