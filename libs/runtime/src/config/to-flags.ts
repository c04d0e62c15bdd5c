import type { z } from 'zod';
import { fieldsOf } from './fields.js';

/** The command line that gives a program these values: `['--batch-size', '40', '--no-resume']`. */
export function toFlags(schema: z.ZodObject, values: Record<string, unknown>): string[] {
  return fieldsOf(schema).flatMap(({ key, flag }) => {
    const value = values[key];
    if (value === undefined) return [];
    if (typeof value === 'boolean') return [value ? flag : flag.replace('--', '--no-')];
    return [flag, String(value)];
  });
}
