import pc from 'picocolors';

/** Colours for standard output: plain text where it is no terminal or `NO_COLOR` is set. */
export const colors = pc.createColors(wantsColor(process.stdout));

/** Colours for standard error, by the same rule. */
export const errorColors = pc.createColors(wantsColor(process.stderr));

function wantsColor(stream: NodeJS.WriteStream): boolean {
  if (process.env['NO_COLOR']) return false;
  if (process.env['FORCE_COLOR']) return process.env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}
