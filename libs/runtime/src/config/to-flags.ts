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

/** The environment without the variables that a schema reads: for a program that gets its config as flags. */
export function withoutVariables(schema: z.ZodObject, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set(fieldsOf(schema).map((field) => field.env));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.has(name)));
}
