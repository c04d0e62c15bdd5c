import { z } from 'zod';

/** The part of JSON Schema that zod writes for config fields. */
export interface FieldSchema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: FieldSchema[];
  items?: FieldSchema;
  properties?: Record<string, FieldSchema>;
  required?: string[];
  default?: unknown;
  description?: string;
  placeholder?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
}

/** One key of a config schema, as flag, environment variable and key of a file. */
export interface Field {
  /** The key in the schema and in files: `batchSize`. */
  key: string;
  /** `--batch-size`. */
  flag: string;
  /** `CAPTRAIN_BATCH_SIZE`. */
  env: string;
  schema: FieldSchema;
  description: string;
  required: boolean;
}

/** A config schema, described. Transformed fields show their input side. */
export function describeSchema(schema: z.ZodType): FieldSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as FieldSchema;
}

/** The keys of a flat config schema, in its order. */
export function fieldsOf(schema: z.ZodObject): Field[] {
  const { properties = {}, required = [] } = describeSchema(schema);
  return Object.entries(properties).map(([key, field]) => {
    const kebab = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return {
      key,
      flag: `--${kebab}`,
      env: `CAPTRAIN_${kebab.replaceAll('-', '_').toUpperCase()}`,
      schema: field,
      description: field.description ?? '',
      required: required.includes(key),
    };
  });
}

/** The simple schemas that a field's value may meet: its alternatives, or itself. */
function alternatives(schema: FieldSchema): FieldSchema[] {
  return schema.anyOf?.flatMap(alternatives) ?? [schema];
}

export function hasType(schema: FieldSchema, ...types: string[]): boolean {
  return alternatives(schema).some(({ type }) => [type ?? []].flat().some((one) => types.includes(one)));
}

/** Every value that a field lists by name; empty where it takes more than those. */
export function choicesOf(schema: FieldSchema): string[] {
  const listed = alternatives(schema).map((one) => one.enum ?? ('const' in one ? [one.const] : undefined));
  return listed.every((values) => values !== undefined) ? listed.flat().map(String) : [];
}

/** What a field takes, in words: "a whole number of at least 1", "one of coco, flickr8k". */
export function allowedValues(schema: FieldSchema): string {
  const choices = choicesOf(schema);
  if (choices.length > 1) return `one of ${choices.join(', ')}`;
  return alternatives(schema).map(allowedBySimple).join(' or ');
}

function allowedBySimple(schema: FieldSchema): string {
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if ('const' in schema) return String(schema.const);
  const types = [schema.type ?? 'any'].flat();
  return types.map((type) => wordsFor(type, schema)).join(' or ');
}

function wordsFor(type: string, schema: FieldSchema): string {
  if (type === 'integer' || type === 'number') {
    return `a ${type === 'integer' ? 'whole number' : 'number'}${range(schema)}`;
  }
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return `a list of ${schema.items ? allowedValues(schema.items) : 'values'}`;
  if (type === 'string') return schema.minLength ? 'text that is not empty' : 'text';
  if (type === 'null') return 'null';
  return type === 'object' ? 'an object' : 'another value';
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: FieldSchema): string {
  const bounds: string[] = [];
  if (exclusiveMinimum !== undefined) bounds.push(`above ${exclusiveMinimum}`);
  else if (minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER) bounds.push(`of at least ${minimum}`);
  if (exclusiveMaximum !== undefined) bounds.push(`below ${exclusiveMaximum}`);
  else if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) bounds.push(`at most ${maximum}`);
  return bounds.length > 0 ? ` ${bounds.join(' and ')}` : '';
}
