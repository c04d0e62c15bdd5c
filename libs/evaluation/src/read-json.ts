import { readFile } from 'node:fs/promises';
import { UserError, messageOf } from '@captrain/runtime';
import type { z } from 'zod';

/** COCO's ids are numbers, other sets' are names; captrain holds both as strings. */
export function imageKey(id: string | number): string {
  return String(id);
}

/**
 * Reads a JSON file and checks its form. `what` names the expected content ("COCO results").
 * Throws a UserError when the file is missing, is no JSON, or has another form, naming the first faulty place.
 */
export async function readJson<T>(file: string, what: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new UserError(`cannot read the ${what} file ${file} (${messageOf(cause)}): check the path`, {
      cause,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${file} is not JSON (${messageOf(cause)}): give a ${what} file`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw new UserError(`${file} is not a ${what} file: ${issue?.message ?? 'wrong form'}${place}`);
}
