import type { CompileOptions } from './compile-options.js';
import { CompiledFunction } from './compiled-function.js';
import type { TensorFunction } from './record.js';

/**
 * A function of tensors that runs as one TensorFlow function. `compile(fn, …).call(inputs)` gives what `fn(inputs)`
 * gives; for inputs of new shapes or types it runs `fn` once and records its ops, and from then on it calls what became
 * of them. Every call gives the same bits for the same inputs, the first too, if `fn` has no effects; they differ from
 * those of `fn` itself by rounding. docs/compiled-functions.md says what may be in `fn`.
 */
export function compile(fn: TensorFunction, options: CompileOptions): CompiledFunction {
  return new CompiledFunction(fn, options);
}
