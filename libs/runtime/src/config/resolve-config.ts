import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { messageOf, UserError } from '../user-error.js';
import { coerceText } from './coerce.js';
import { fieldsOf } from './fields.js';
import { type NameOf, validate } from './issue.js';

/** Where a config's values come from, strongest first. */
export interface ConfigSources {
  /** By key: text, or a boolean for `--flag` and `--no-flag`. */
  flags?: Record<string, string | boolean | undefined>;
  /** Environment variables; those without a value count as absent, others than `CAPTRAIN_<KEY>` are ignored. */
  env?: Record<string, string | undefined>;
  /** Path of a JSON file with keys of the schema. */
  file?: string;
}

/**
 * One config out of flags, environment, file and the schema's defaults, in that order of strength.
 * Throws a `UserError` that names the flag, variable or file key, its value and what is allowed.
 */
export function resolveConfig<S extends z.ZodObject>(schema: S, sources: ConfigSources): z.output<S> {
  const { values, nameOf } = gatherValues(schema, sources);
  return validate(schema, values, nameOf);
}

/** The values that were given anywhere, before defaults and checks, and what to call them in errors. */
export function gatherValues(
  schema: z.ZodObject,
  sources: ConfigSources,
): { values: Record<string, unknown>; nameOf: NameOf } {
  const fields = fieldsOf(schema);
  const values: Record<string, unknown> = { ...(sources.file ? readConfigFile(sources.file) : {}) };
  const names = new Map<string, string>();
  for (const key of Object.keys(values)) names.set(key, `"${key}" in ${sources.file}`);
  for (const { key, flag, env, schema: field } of fields) {
    const variable = sources.env?.[env];
    if (variable !== undefined && variable !== '') {
      values[key] = coerceText(variable, field);
      names.set(key, env);
    }
    const given = sources.flags?.[key];
    if (given !== undefined) {
      values[key] = typeof given === 'string' ? coerceText(given, field) : given;
      names.set(key, typeof given === 'boolean' && !given ? flag.replace('--', '--no-') : flag);
    }
  }
  const flagOf = new Map(fields.map(({ key, flag }) => [key, flag]));
  const nameOf: NameOf = ([key]) => names.get(String(key)) ?? flagOf.get(String(key)) ?? String(key);
  return { values, nameOf };
}

/**
 * A config object as stored (a run's `config.json`), checked against its schema.
 * `where` names its place in errors. Throws a `UserError`.
 */
export function parseConfig<S extends z.ZodType>(schema: S, object: unknown, where: string): z.output<S> {
  return validate(schema, asObject(object, where), (path) => `"${path.join('.')}" in ${where}`);
}

function readConfigFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UserError(`The config file ${path} cannot be read (${messageOf(cause)})`, { cause });
  }
  try {
    return asObject(JSON.parse(text), path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`The config file ${path} is not JSON (${messageOf(cause)})`, { cause });
  }
}

function asObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new UserError(`${where} must hold one JSON object of config keys`);
}
