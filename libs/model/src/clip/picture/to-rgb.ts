/** Decoded bytes of other kinds as RGB, with Pillow's arithmetic, bit for bit. Each gives 3 bytes a pixel. */

/** RGBA over white, as transformers' `convert_to_rgb` lays it (Pillow's AlphaComposite.c). */
export function onWhite(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3]!;
    const white = 255 * (255 - alpha);
    for (let channel = 0; channel < 3; channel++)
      rgb[to + channel] = divideBy255(rgba[from + channel]! * alpha + white);
  }
  return rgb;
}

/** CMYK with 255 for full ink, without a profile (Pillow's Convert.c). */
export function withoutInk(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) {
    const light = 255 - cmyk[from + 3]!;
    for (let channel = 0; channel < 3; channel++)
      rgb[to + channel] = light - divideBy255(cmyk[from + channel]! * light);
  }
  return rgb;
}

/** value / 255, rounded, for 0 ≤ value ≤ 255². */
function divideBy255(value: number): number {
  const half = value + 128;
  return (half + (half >> 8)) >> 8;
}
