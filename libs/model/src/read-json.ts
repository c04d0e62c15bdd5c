import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';

/** Throws a UserError where there is no such model folder. */
export function requireFolder(folder: string): void {
  if (!existsSync(folder)) throw new UserError(`there is no model folder ${folder}; name one that exists.`);
}

/** The JSON object in a model folder's file. A missing file, or one that holds something else, is a UserError. */
export function readJsonObject(folder: string, name: string): Record<string, unknown> {
  const file = path.join(folder, name);
  requireFolder(folder);
  if (!existsSync(file))
    throw new UserError(`the model folder ${folder} has no ${name}; name a folder in Hugging Face layout.`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new UserError(`cannot read ${file} as JSON: ${messageOf(cause)}.`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(`${file} holds no JSON object; fetch it again.`);
  return value as Record<string, unknown>;
}

/** The same where the file may be absent: then an empty object. */
export function readOptionalJsonObject(folder: string, name: string): Record<string, unknown> {
  return existsSync(path.join(folder, name)) ? readJsonObject(folder, name) : {};
}
