/**
 * Lengths of HPACK's Huffman codes, of the bytes 0 to 255 and the end (RFC 7541, appendix B). The codes are canonical: those
 * of one length follow each other in the order of their bytes, so that their lengths say it all.
 */
const LENGTHS = lengthsOf(
  '13,23,28x7,24,30,28x2,30,28x8,30,28x9,' + // 0 to 31
    '6,10x2,12,13,6,8,11,10x2,8,11,8,6x3,5x3,6x7,7,8,15,6,12,10,' + // space to ?
    '13,6,7x22,8,7,8,13,19,13,14,6,' + // @ to _
    '15,5,6,5,6,5,6x3,5,7x2,6x3,5,6,7,6,5x2,6,7x5,15,11,14,13,28,' + // ` to 127
    '20,22,20x2,22x3,23,22,23x5,24,23,24x2,22,23,24,23x4,21,22,23,22,23x2,24,' +
    '22,21,20,22x2,23x2,21,23,22x2,24,21,22,23x2,21x2,22,21,23,22,23x2,20,22x3,23,22x2,23,' +
    '26x2,20,19,22,23,22,25,26x3,27x2,26,24,25,19,21,26,27x2,26,27,24,21x2,26x2,28,27x3,' +
    '20,24,20,21,22,21x2,23,22x2,25x2,24x2,26,23,26,27,26x2,27x5,28,27x5,26,30',
);
const END = 256;
const LONGEST = 30;

interface CodesOfLength {
  readonly first: number;
  readonly symbols: readonly number[];
}

/** By their length in bits. */
const CODES = canonicalCodes();

/** Throws a RangeError where the bytes are no Huffman codes. */
export function decodeHuffman(bytes: Uint8Array): string {
  const text: number[] = [];
  let [code, length] = [0, 0];
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      const { first, symbols } = CODES[++length]!;
      const symbol = symbols[code - first];
      if (symbol !== undefined && symbol !== END) {
        text.push(symbol);
        [code, length] = [0, 0];
      } else if (length === LONGEST) throw new RangeError('not a Huffman code');
    }
  }
  // Padding is the beginning of the end's code: ones.
  if (length > 7 || code !== 2 ** length - 1) throw new RangeError('wrong padding of Huffman codes');
  return Buffer.from(text).toString('latin1');
}

function lengthsOf(runs: string): number[] {
  return runs.split(',').flatMap((run) => {
    const [length, times = 1] = run.split('x').map(Number);
    return Array.from({ length: times }, () => length!);
  });
}

function canonicalCodes(): CodesOfLength[] {
  const codes: CodesOfLength[] = [];
  let first = 0;
  for (let length = 0; length <= LONGEST; length++) {
    const symbols = LENGTHS.flatMap((each, symbol) => (each === length ? [symbol] : []));
    codes.push({ first, symbols });
    first = (first + symbols.length) * 2;
  }
  return codes;
}
