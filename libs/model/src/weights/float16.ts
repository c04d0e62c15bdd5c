/** Conversions between float32 and the two 16-bit floats, in bulk. */

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The float32 bits of one IEEE half. */
function floatBitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  scratch[0] = mantissa * 2 ** -24;
  return sign | scratchBits[0]!;
}

/** The half nearest to a float32 given by its bits, ties to even; too large becomes infinity, NaN stays NaN. */
function halfOfFloatBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are spaced evenly by 2^-24, as floats just above 0.5 are: the addition rounds.
    scratchBits[0] = magnitude;
    scratch[0] = scratch[0]! + 0.5;
    return sign | (scratchBits[0]! - 0x3f000000);
  }
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** Float32 values of IEEE halves. */
export function float32FromFloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = floatBitsOfHalf(halves[i]!);
  return new Float32Array(bits.buffer);
}

/** IEEE halves nearest to float32 values. */
export function float16FromFloat32(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOfFloatBits(bits[i]!);
  return halves;
}

/** Float32 values of bfloat16s: the upper half of a float32 each. */
export function float32FromBfloat16(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** Bfloat16s nearest to float32 values, ties to even; too large becomes infinity, NaN stays NaN. */
export function bfloat16FromFloat32(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const uppers = new Uint16Array(values.length);
  for (let i = 0; i < uppers.length; i++) {
    const upper = bits[i]! >>> 16;
    const isNaN = (bits[i]! & 0x7fffffff) > 0x7f800000;
    uppers[i] = isNaN ? upper | 0x40 : (bits[i]! + 0x7fff + (upper & 1)) >>> 16;
  }
  return uppers;
}
