import { hasType, type FieldSchema } from './fields.js';

const booleans: Record<string, boolean> = {
  true: true,
  false: false,
  1: true,
  0: false,
  yes: true,
  no: false,
};

/**
 * The value that a flag's or an environment variable's text stands for: numbers, booleans and
 * comma-separated lists as the field takes them. Text that fits none stays text, for the schema to refuse.
 */
export function coerceText(text: string, schema: FieldSchema): unknown {
  if (hasType(schema, 'array')) {
    const items = text.split(',').map((item) => item.trim());
    return items.filter((item) => item !== '').map((item) => coerceText(item, schema.items ?? {}));
  }
  if (hasType(schema, 'integer', 'number') && /^[+-]?(\d|\.\d)/.test(text.trim())) {
    const number = Number(text);
    if (!Number.isNaN(number)) return number;
  }
  if (hasType(schema, 'boolean')) return booleans[text.toLowerCase()] ?? text;
  return text;
}
