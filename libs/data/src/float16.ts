const float32 = new Float32Array(1);
const bits = new Uint32Array(float32.buffer);

/**
 * The IEEE 754 half-precision bits nearest to a number, ties to even, as NumPy and PyTorch round. Beyond ±65519.99…
 * it is an infinity. (Node 20 has no Float16Array.)
 */
export function toFloat16(value: number): number {
  float32[0] = value;
  const x = bits[0]!;
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // A normal half: the exponent's bias changes by 112, and 13 bits of the fraction are rounded away.
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  if (magnitude < 0x33000000) return sign;
  // A subnormal half: multiples of 2^-24. Adding 2^-1 lets the float32 adder do the rounding: its last place is 2^-24.
  bits[0] = magnitude;
  float32[0] = float32[0]! + 0.5;
  return sign | (bits[0]! - 0x3f000000);
}

let table: Float32Array | undefined;

/** The numbers of all 65,536 half-precision bit patterns: decoding is one look-up. */
export function float16Values(): Float32Array {
  return (table ??= Float32Array.from({ length: 65_536 }, (_, half) => valueOf(half)));
}

function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
