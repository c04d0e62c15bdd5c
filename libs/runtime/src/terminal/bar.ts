import { errorColors } from './colors.js';

/** A bar of `width` characters, as much of it coloured as is done. For standard error, where live views are drawn. */
export function drawBar(done: number, total: number, width = 24): string {
  const full = Math.round(Math.min(1, total > 0 ? done / total : 0) * width);
  return errorColors.cyan('━'.repeat(full)) + errorColors.dim('━'.repeat(width - full));
}
