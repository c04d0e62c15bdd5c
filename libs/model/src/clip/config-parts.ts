import { z } from 'zod';

/** A whole number from 1 on. */
export const count = () => z.number().int().min(1);

/** One side of a square, which configs also write as a pair. */
export const side = () => {
  const error = 'must be one number, or the same twice: only squares are known';
  const pair = z.tuple([count(), count()]).refine(([height, width]) => height === width, { error });
  return z
    .union([count(), pair], { error })
    .transform((value) => (typeof value === 'number' ? value : value[0]));
};

/** A number for each of red, green and blue, or one for all. */
export const perChannel = (value: z.ZodNumber) =>
  z
    .union([value, z.tuple([value, value, value])], { error: 'must be a number, or three of them' })
    .transform((given): [number, number, number] =>
      typeof given === 'number' ? [given, given, given] : given,
    );

/** What is wrong with a config, in one line: `vision_config.hidden_act: …; …`. */
export function faultsOf(error: z.ZodError, root?: string): string {
  return error.issues
    .map(({ path, message }) => {
      const place = [...(root === undefined ? [] : [root]), ...path].join('.');
      return place === '' ? message : `${place}: ${message}`;
    })
    .join('; ');
}
