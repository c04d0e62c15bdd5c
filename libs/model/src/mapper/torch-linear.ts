import type { ParameterShapes, ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';

/**
 * Values that PyTorch's `nn.Linear` begins with: weight and bias uniform within ±1/√inputs. `name` is that of the
 * layer; its bias is made only where `shapes` has one.
 */
export function initTorchLinear(
  values: ParameterValues,
  shapes: ParameterShapes,
  name: string,
  seed: number,
): void {
  const [outputs, inputs] = shapes.get(`${name}.weight`) as [number, number];
  const bound = 1 / Math.sqrt(inputs);
  values.set(`${name}.weight`, new RandomStream(seed, `${name}.weight`).uniform(outputs * inputs, bound));
  if (shapes.has(`${name}.bias`))
    values.set(`${name}.bias`, new RandomStream(seed, `${name}.bias`).uniform(outputs, bound));
}
