/** Objects and lists inside each other that a header or an index can have, with room to spare. */
const MAX_DEPTH = 8;

/**
 * Throws an Error where valid JSON has an object with the same name twice, of which `JSON.parse` keeps the last and
 * says nothing, or is nested deeper than any weight file's.
 */
export function requireUniqueNames(json: string): void {
  const open: (Set<string> | undefined)[] = [];
  let nameComes = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '{':
      case '[':
        nameComes = json[at] === '{';
        open.push(nameComes ? new Set() : undefined);
        if (open.length > MAX_DEPTH) throw new Error('it is nested too deeply');
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        nameComes = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(json, at);
        if (nameComes) addName(open.at(-1)!, JSON.parse(json.slice(at, end + 1)) as string);
        nameComes = false;
        at = end;
      }
    }
  }
}

function addName(names: Set<string>, name: string): void {
  if (names.has(name)) throw new Error(`the name ${JSON.stringify(name.slice(0, 120))} stands in it twice`);
  names.add(name);
}

/** The closing quote of the string that begins at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}
