import { UserError } from '@captrain/runtime';
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';

/** The value of a JSON text. Throws `UserError` with line and column, and `where` it stands, for a text that is not JSON. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { line, column, what } = firstFault(text);
    throw new UserError(
      `${where} is not JSON: ${what} at line ${line}, column ${column}; correct it, or write it again`,
      { cause },
    );
  }
}

/** Node's own message lacks the place for some faults; the tolerant parser always has it. */
function firstFault(text: string): { line: number; column: number; what: string } {
  const errors: ParseError[] = [];
  parse(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });
  const { offset, error } = errors[0] ?? { offset: text.length, error: 16 };
  const lines = text.slice(0, offset).split('\n');
  const words = printParseErrorCode(error).replace(
    /(?<=[a-z])[A-Z]/g,
    (letter) => ` ${letter.toLowerCase()}`,
  );
  return { line: lines.length, column: lines.at(-1)!.length + 1, what: words.toLowerCase() };
}
