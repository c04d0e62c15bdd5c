import type { z } from 'zod';
import { suggestion } from '../nearest.js';
import { UserError } from '../user-error.js';
import { allowedValues, choicesOf, describeSchema, type FieldSchema } from './fields.js';

/** Where a config value came from, in the user's words: `--batch-size`, `CAPTRAIN_BATCH_SIZE`, `"batchSize" in run.json`. */
export type NameOf = (path: readonly PropertyKey[]) => string;

/**
 * Validates a config object. Throws a `UserError` of one sentence that names the first thing wrong:
 * an unknown key with the nearest known one, a missing value, or a bad value with what is allowed.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  values: Record<string, unknown>,
  nameOf: NameOf,
): z.output<S> {
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const described = describeSchema(schema);
  const issues = result.error.issues;
  const unknown = issues.find(({ code }) => code === 'unrecognized_keys');
  if (unknown) throw new UserError(unknownKey(unknown, described, nameOf));
  const missing = issues.filter(({ path }) => valueAt(values, path) === undefined && path.length > 0);
  if (missing.length > 0) {
    const names = missing.map(({ path }) => nameOf(path)).join(', ');
    throw new UserError(`${names} ${missing.length > 1 ? 'are' : 'is'} missing`);
  }
  throw new UserError(badValue(issues[0]!, described, values, nameOf));
}

type Issue = z.core.$ZodIssue;

function unknownKey(issue: Issue, described: FieldSchema, nameOf: NameOf): string {
  const key = issue.code === 'unrecognized_keys' ? issue.keys[0]! : '';
  const known = Object.keys(schemaAt(described, issue.path)?.properties ?? {});
  return `${nameOf([...issue.path, key])} is unknown: ${suggestion(key, known)}`;
}

function badValue(issue: Issue, described: FieldSchema, values: unknown, nameOf: NameOf): string {
  if (issue.path.length === 0 && issue.code === 'custom') return issue.message;
  const name = nameOf(issue.path);
  const value = JSON.stringify(valueAt(values, issue.path));
  const field = schemaAt(described, issue.path);
  if (issue.code === 'custom' || issue.code === 'invalid_format' || !field)
    return `${name} is ${value}: ${issue.message}`;
  const text = valueAt(values, issue.path);
  const near = typeof text === 'string' ? suggestion(text, choicesOf(field)) : '';
  const hint = near.startsWith('did you mean') ? `; ${near}` : '';
  return `${name} is ${value}, but must be ${allowedValues(field)}${hint}`;
}

function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], values);
}

function schemaAt(schema: FieldSchema, path: readonly PropertyKey[]): FieldSchema | undefined {
  return path.reduce<FieldSchema | undefined>(
    (at, key) => (typeof key === 'number' ? at?.items : at?.properties?.[String(key)]),
    schema,
  );
}
