/**
 * Resizing as Pillow does it to 8-bit pictures, bit for bit: two passes (rows first), filters widened by the scale where
 * a picture shrinks (antialiasing), weights of 22 fractional bits, each pass rounded to bytes. Sharp's cubic kernel is
 * the same filter but rounds coarser and first halves what shrinks much. Source: Pillow's Resample.c.
 */

/** RGB bytes, row after row. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** Part of a picture, in pixels. */
export interface Window {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Filter {
  /** Where the filter ends, in pixels of the larger of the two pictures. */
  support: number;
  weight(distance: number): number;
}

/** Keys' cubic convolution with a = −1/2, and the triangle. */
const FILTERS = {
  bicubic: { support: 2, weight: cubic },
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
} as const satisfies Record<string, Filter>;
export type FilterName = keyof typeof FILTERS;

const BITS = 22;
const HALF = 1 << (BITS - 1);

/** The part `window` of a picture resized to `size`; nothing outside of it is computed. */
export function resample(
  picture: Pixels,
  size: { width: number; height: number },
  window: Window,
  filter: FilterName,
): Pixels {
  const across = tapsOf(picture.width, size.width, window.left, window.width, FILTERS[filter]);
  const down = tapsOf(picture.height, size.height, window.top, window.height, FILTERS[filter]);
  const first = down.starts[0]!;
  const rows = down.starts[window.height - 1]! + down.counts[window.height - 1]! - first;
  const narrow = resizeRows(picture, first, rows, across);
  return {
    data: resizeColumns(narrow, window.width, first, down),
    width: window.width,
    height: window.height,
  };
}

/** For each output pixel, which input pixels count and how much. */
interface Taps {
  starts: Int32Array;
  counts: Int32Array;
  /** `stride` weights for each output pixel, those of its input pixels first. */
  weights: Int32Array;
  stride: number;
}

function tapsOf(from: number, to: number, begin: number, length: number, filter: Filter): Taps {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const support = filter.support * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < length; i++) {
    const centre = (begin + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      exact[tap] = filter.weight((tap + start - centre + 0.5) * (1 / widening));
      sum += exact[tap]!;
    }
    for (let tap = 0; tap < count; tap++) {
      const scaled = (sum === 0 ? exact[tap]! : exact[tap]! / sum) * 2 ** BITS;
      weights[i * stride + tap] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    starts[i] = start;
    counts[i] = count;
  }
  return { starts, counts, weights, stride };
}

/** Rows `first` to `first + rows` of a picture, resized to as many pixels as there are taps. */
function resizeRows({ data, width }: Pixels, first: number, rows: number, taps: Taps): Uint8Array {
  const { starts, counts, weights, stride } = taps;
  const length = starts.length;
  const out = new Uint8ClampedArray(rows * length * 3);
  for (let row = 0; row < rows; row++) {
    const line = (first + row) * width;
    for (let i = 0; i < length; i++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let at = (line + starts[i]!) * 3;
      const begin = i * stride;
      const end = begin + counts[i]!;
      for (let tap = begin; tap < end; tap++, at += 3) {
        const weight = weights[tap]!;
        red = (red + Math.imul(data[at]!, weight)) | 0;
        green = (green + Math.imul(data[at + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
      }
      const to = (row * length + i) * 3;
      out[to] = red >> BITS;
      out[to + 1] = green >> BITS;
      out[to + 2] = blue >> BITS;
    }
  }
  return new Uint8Array(out.buffer);
}

/** Resizes rows of `width` pixels, the first of which is row `first` of the picture, to as many as there are taps. */
function resizeColumns(data: Uint8Array, width: number, first: number, taps: Taps): Uint8Array {
  const { starts, counts, weights, stride } = taps;
  const bytes = width * 3;
  const out = new Uint8ClampedArray(starts.length * bytes);
  const sums = new Int32Array(bytes);
  for (let row = 0; row < starts.length; row++) {
    sums.fill(HALF);
    for (let tap = 0; tap < counts[row]!; tap++) {
      const weight = weights[row * stride + tap]!;
      const line = (starts[row]! - first + tap) * bytes;
      for (let i = 0; i < bytes; i++) sums[i] = (sums[i]! + Math.imul(data[line + i]!, weight)) | 0;
    }
    for (let i = 0; i < bytes; i++) out[row * bytes + i] = sums[i]! >> BITS;
  }
  return new Uint8Array(out.buffer);
}

function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
