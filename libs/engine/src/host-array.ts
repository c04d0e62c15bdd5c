import { engineAddon } from './start-engine.js';
import { tf } from './tf.js';

/**
 * A Float32Array as an op of the engine's own takes it by its address (`address: int32`): an int32 tensor of four. The op
 * reads or writes the array's own memory, so the array has to outlive the call, and nothing else may write to it meanwhile.
 * No function may be recorded of such a call: the address would be a constant in it. Undefined stands for no array. The
 * tensor belongs to the surrounding `tf.tidy`.
 */
export function addressOf(array?: Float32Array): tf.Tensor1D {
  const numbers = array === undefined ? [0, 0, 0, 0] : engineAddon().addressOf(array);
  return tf.tensor1d(numbers, 'int32');
}
