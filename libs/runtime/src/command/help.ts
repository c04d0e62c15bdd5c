import type { Field } from '../config/fields.js';
import { choicesOf, hasType } from '../config/fields.js';
import type { Command } from './command.js';

/** Choices longer than this stand in the description. */
const widestChoices = 24;

/** A flag as help shows it: `--batch-size N`, `--[no-]resume` where it is on by default, `--format coco|flickr8k`. */
export function flagTerm(field: Field): string {
  if (isSwitch(field))
    return field.schema.default === true ? field.flag.replace('--', '--[no-]') : field.flag;
  return `${field.flag} ${placeholder(field)}`;
}

/** Fields without a value on the command line. */
export function isSwitch(field: Field): boolean {
  return hasType(field.schema, 'boolean');
}

export function placeholder({ schema }: Field): string {
  if (schema.placeholder) return schema.placeholder;
  const choices = choicesOf(schema.items ?? schema).join('|');
  if (choices.length > widestChoices) return 'NAME';
  if (choices !== '') return choices + (schema.items ? ',…' : '');
  return hasType(schema, 'integer', 'number') ? 'N' : 'VALUE';
}

/** A field's description with its choices where the flag has no room for them, and its default or the word required. */
export function flagDescription({ schema, description, required }: Field): string {
  const choices = choicesOf(schema.items ?? schema);
  const listed = choices.join('|').length > widestChoices ? `; one of ${choices.join(', ')}` : '';
  return `${capitalised(description)}${listed}${required ? ' (required)' : defaultOf(schema.default)}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function defaultOf(value: unknown): string {
  if (value === undefined || value === null || value === '' || value === false) return '';
  return ` (default: ${Array.isArray(value) ? value.join(',') : String(value)})`;
}

/** What stands below the options. */
export function helpFooter(command: Command, fields: readonly Field[]): string {
  const lines: string[] = [];
  const example = fields.find((field) => !isSwitch(field)) ?? fields[0];
  if (example) {
    lines.push('', 'Every option is also read from the environment and from the --config file,');
    lines.push(`flags first: ${example.flag}, ${example.env}, "${example.key}" in the file.`);
  }
  if (command.examples.length > 0) {
    lines.push('', 'Examples:', ...command.examples.map((line) => `  ${line}`));
  }
  return lines.join('\n');
}
