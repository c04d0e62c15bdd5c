import { memory } from './memory.js';

/**
 * Throws where `work` leaves tensors behind, in tfjs or in TensorFlow. It runs twice: what the first run keeps for
 * good (caches, compiled functions) is no leak; what the second adds is.
 */
export async function expectNoLeak(work: () => unknown): Promise<void> {
  await work();
  const before = memory();
  await work();
  const after = memory();
  const tensors = after.tensors - before.tensors;
  const handles = after.handles - before.handles;
  if (tensors > 0 || handles > 0) {
    const bytes = after.tensorBytes - before.tensorBytes;
    throw new Error(`Leaked ${tensors} tensors (${bytes} bytes; ${handles} of TensorFlow's handles)`);
  }
}
