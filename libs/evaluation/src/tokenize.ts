/**
 * Words of a caption as the Penn Treebank cuts them: what pycocoevalcap's `PTBTokenizer` (Stanford CoreNLP
 * 3.4.1, `-lowerCase`) gives after it has dropped its list of punctuation. Lower-cased, contractions split
 * (`ca n't`, `it 's`), quotes, brackets and marks apart, then the listed marks removed.
 *
 * It is rules, not CoreNLP's lexer. On Flickr8k's 40,455 captions both give the same words but for one
 * (`at&t`, which CoreNLP keeps whole only in capitals). They differ where CoreNLP knows lists that are not here:
 * most abbreviations (`corp.`, `jan.`), emoticons, telephone numbers, and spellings that it Americanises.
 */
export function tokenize(caption: string): string[] {
  const text = unify(caption.toLowerCase());
  const tokens = (text.match(lexer) ?? []).flatMap(splitContraction);
  return tokens.map((token) => brackets[token] ?? token).filter((token) => !dropped.has(token));
}

/** pycocoevalcap's list; its `-LRB-` and the like never match, because the words come lower-cased. */
const dropped = new Set(["''", "'", '``', '`', '.', '?', '!', ',', ':', '-', '--', '...', ';']);

const brackets: Record<string, string> = {
  '(': '-lrb-',
  ')': '-rrb-',
  '[': '-lsb-',
  ']': '-rsb-',
  '{': '-lcb-',
  '}': '-rcb-',
};

const abbreviations = 'mr|mrs|ms|dr|st|vs|jr|sr|no(?=\\. ?\\d)|etc|inc|ave|prof|mt|ft|lt|sgt|capt|gen|col';
const word = "\\p{L}\\p{M}*(?:[\\p{L}\\p{M}\\p{N}_]|['](?=\\p{L})|[-/&](?=[\\p{L}\\p{N}])|\\.(?=\\p{L}{2}))*";

const lexer = new RegExp(
  [
    '(?:https?://|www\\.)[^\\s<>"]+[^\\s<>".,;:!?)]', // addresses
    '[\\p{L}\\p{N}._+-]+@[\\p{L}\\p{N}-]+(?:\\.[\\p{L}\\p{N}-]+)+',
    `(?<![\\p{L}\\p{N}])(?:${abbreviations})\\.`,
    '(?<![\\p{L}\\p{N}])(?:\\p{L}\\.)+(?![\\p{L}\\p{N}])', // u.s., e.g., plan b.
    "'(?:s|m|d|re|ve|ll)(?![\\p{L}\\p{N}])", // "dog 's"
    "'(?:\\d0s|tis\\b|twas\\b|n'(?!\\p{L})|em(?!\\p{L}))",
    '[#@][\\p{L}_][\\p{L}\\p{N}_]*', // tags and names
    "(?:\\d+(?:[.,:/]\\d+)*|\\.\\d+)(?:-?[\\p{L}\\p{N}]+)*(?:'s)?", // 1,000 5:30 1/2 10-year-old 4x4's
    word,
    '\\.{2,}|--+',
    '[?!]+',
    '\\S', // any mark by itself
  ].join('|'),
  'gu',
);

/** One spelling for each kind of quote, dash and ellipsis; double quotes become the mark that is dropped. */
function unify(text: string): string {
  return text
    .replace(/[‘’‛`´]/g, "'")
    .replace(/["“”„«»]/g, " '' ")
    .replace(/''/g, " '' ")
    .replace(/[–—]/g, ' -- ')
    .replace(/…/g, ' ... ');
}

const pairs: Record<string, [string, string]> = {
  cannot: ['can', 'not'],
  gonna: ['gon', 'na'],
  wanna: ['wan', 'na'],
  gotta: ['got', 'ta'],
  gimme: ['gim', 'me'],
  lemme: ['lem', 'me'],
  "y'all": ["y'", 'all'],
  "'tis": ["'t", 'is'],
  "'twas": ["'t", 'was'],
};

function splitContraction(token: string): string[] {
  if (/^\.{2,}$/.test(token)) return ['...'];
  if (/^--+$/.test(token)) return ['--'];
  const pair = pairs[token];
  if (pair) return pair;
  const match = /^(.+?)(n't|'(?:s|m|d|re|ve|ll))$/u.exec(token);
  return match ? [match[1] as string, match[2] as string] : [token];
}
