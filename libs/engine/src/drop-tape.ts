import { tf } from './tf.js';

interface GradientState {
  activeTape: { saved: tf.Tensor[] }[] | null | undefined;
}

/**
 * Frees what tfjs keeps for a gradient that an error has ended: it does so itself only where a gradient comes to its end.
 * To be called once no gradient is being computed any more.
 */
export function dropTape(): void {
  const state = tf.engine().state as unknown as GradientState;
  for (const { saved } of state.activeTape ?? []) tf.dispose(saved);
  state.activeTape = null;
}
