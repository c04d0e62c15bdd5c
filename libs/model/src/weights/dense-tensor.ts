import { NonFiniteValueError, readTensor, tf } from '@captrain/engine';
import { UserError, messageOf } from '@captrain/runtime';
import type { ByteSource } from './byte-source.js';
import { float32FromBfloat16, float32FromFloat16 } from './float16.js';
import { quoted } from './quoted.js';
import { bytesOf, type WeightDtype } from './weight-dtype.js';
import type { WeightTensor } from './weights-file.js';

/** Where a tensor lies in a source; its extent must have been checked. */
export interface DenseTensor {
  readonly name: string;
  readonly dtype: WeightDtype;
  readonly shape: readonly number[];
  /** Byte of the first value. */
  readonly offset: number;
}

const ENGINE_DTYPES = new Map<WeightDtype, 'float32' | 'float16' | 'bfloat16' | 'float64'>([
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['F64', 'float64'],
]);

/** A tensor whose values lie one after another, row-major and little-endian. */
export function denseTensor(source: ByteSource, { name, dtype, shape, offset }: DenseTensor): WeightTensor {
  const read = () => {
    requireFloats(dtype, name, source.place);
    const values = float32Of(source.range(offset, bytesOf(dtype, shape)!, `tensor ${quoted(name)}`), dtype);
    requireFinite(values, name, source.place);
    return values;
  };
  const tensor = () => {
    requireFloats(dtype, name, source.place);
    const { path } = source;
    if (path === undefined) return tf.tensor(read(), [...shape], 'float32');
    try {
      return readTensor({ path, offset, dtype: ENGINE_DTYPES.get(dtype)!, shape });
    } catch (cause) {
      const { place } = source;
      if (cause instanceof NonFiniteValueError) throw notFinite(cause.message, name, place, cause);
      // TensorFlow puts its status above the message.
      const why = messageOf(cause).replace(/^.*\nMessage: /s, '');
      throw new UserError(
        `cannot read tensor ${quoted(name)} of ${place}: ${why}; fetch or write the file again.`,
        { cause },
      );
    }
  };
  return { dtype, shape, read, tensor };
}

/** Throws a UserError where a tensor's values are no floats that can be read. */
export function requireFloats(dtype: WeightDtype, name: string, place: string): void {
  if (ENGINE_DTYPES.has(dtype)) return;
  throw new UserError(
    `tensor ${quoted(name)} in ${place} holds ${dtype} where floats are needed; export it as F32 or F16.`,
  );
}

/** Throws a UserError that names the first value which is NaN or infinite. */
export function requireFinite(values: Float32Array, name: string, place: string): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++)
    if ((bits[i]! & 0x7f800000) === 0x7f800000)
      throw notFinite(`value ${i} is ${Number.isNaN(values[i]) ? 'NaN' : 'infinite'}`, name, place);
}

/** Little-endian values of a float dtype as float32; their buffer may become the result's. */
export function float32Of(bytes: Uint8Array<ArrayBuffer>, dtype: WeightDtype): Float32Array {
  if (dtype === 'F32') return new Float32Array(bytes.buffer);
  if (dtype === 'F16') return float32FromFloat16(new Uint16Array(bytes.buffer));
  if (dtype === 'BF16') return float32FromBfloat16(new Uint16Array(bytes.buffer));
  return Float32Array.from(new Float64Array(bytes.buffer));
}

function notFinite(which: string, name: string, place: string, cause?: unknown): UserError {
  return new UserError(
    `${which} in tensor ${quoted(name)} of ${place}; fetch it again, or take weights from before training failed.`,
    { cause },
  );
}
