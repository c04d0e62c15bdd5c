/** What TensorFlow, its libraries, and JavaScript say where memory is short. */
const SENTENCES =
  /OOM when allocating|RESOURCE_EXHAUSTED|resource exhausted|ran out of memory|out of memory|bad_alloc|failed to allocate|could not allocate|allocation failed/i;

/** Whether an error, or what caused it, is that memory is short. What was computed is lost, and nothing else. */
export function isOutOfMemory(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (SENTENCES.test(at.message)) return true;
  return false;
}
