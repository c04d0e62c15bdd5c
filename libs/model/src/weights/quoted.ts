const LONGEST = 120;

/** A name out of a file that is not trusted, as a message can show it: without control characters, and not too long. */
export function quoted(name: string): string {
  if (/^[\w./:-]+$/.test(name) && name.length <= LONGEST) return name;
  return JSON.stringify(name.length <= LONGEST ? name : `${name.slice(0, LONGEST)}…`);
}

/** The same for any JSON value: nested ones only by their kind, as they may be deep. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, LONGEST));
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map((item) => (Array.isArray(item) ? 'a list' : shown(item)));
    return `[${items.join(', ')}${value.length > 8 ? ', …' : ''}]`;
  }
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/** The text without the control characters that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}
