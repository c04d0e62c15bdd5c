import { decodeHuffman } from './huffman.js';

/**
 * Header blocks (HPACK, RFC 7541) without the table that both ends would keep: it is refused by SETTINGS, and what is sent
 * spells every name and value out.
 */
export type Headers = ReadonlyMap<string, string>;

/** First bits of a field: where its name stands, and that no table is to keep it. */
const INDEXED = 0x80;
const KEPT_LITERAL = 0x40;
const TABLE_SIZE = 0x20;
const HUFFMAN = 0x80;

/** Throws nothing: names and values are ASCII. */
export function encodeHeaders(headers: Iterable<readonly [name: string, value: string]>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of headers) parts.push(Buffer.of(0), encodeText(name), encodeText(value));
  return Buffer.concat(parts);
}

/** Throws a RangeError where the bytes are no header block. */
export function decodeHeaders(block: Buffer): Headers {
  const headers = new Map<string, string>();
  const reader = new BlockReader(block);
  while (!reader.isAtEnd) {
    const first = reader.peek();
    if (first & INDEXED) headers.set(...staticField(reader.integer(7)));
    else if ((first & 0xe0) === TABLE_SIZE) reader.integer(5);
    else {
      const index = reader.integer(first & KEPT_LITERAL ? 6 : 4);
      const name = index === 0 ? reader.text() : staticField(index)[0];
      headers.set(name, reader.text());
    }
  }
  return headers;
}

class BlockReader {
  private at = 0;

  constructor(private readonly block: Buffer) {}

  get isAtEnd(): boolean {
    return this.at >= this.block.length;
  }

  peek(): number {
    return this.block.readUInt8(this.at);
  }

  /** In the last `bits` of the byte, and in those that follow where it does not fit (section 5.1). */
  integer(bits: number): number {
    const most = 2 ** bits - 1;
    let value = this.block.readUInt8(this.at++) & most;
    if (value < most) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.block.readUInt8(this.at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      if (factor > 2 ** 21) throw new RangeError('a number in a header block is too large');
    }
  }

  text(): string {
    const isHuffman = (this.peek() & HUFFMAN) !== 0;
    const length = this.integer(7);
    const end = this.at + length;
    if (end > this.block.length) throw new RangeError('a header block ends within a text');
    const bytes = this.block.subarray(this.at, end);
    this.at = end;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  }
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([encodeInteger(bytes.length, 7), bytes]);
}

function encodeInteger(value: number, bits: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.of(value);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

function staticField(index: number): [name: string, value: string] {
  const field = STATIC_TABLE[index - 1];
  if (field === undefined) throw new RangeError(`a header block names field ${index} of no table`);
  const [name, value = ''] = field.split('=');
  return [name!, value];
}

/** RFC 7541, appendix A. */
const STATIC_TABLE = [
  ...[':authority', ':method=GET', ':method=POST', ':path=/', ':path=/index.html', ':scheme=http'],
  ...[':scheme=https', ':status=200', ':status=204', ':status=206', ':status=304', ':status=400'],
  ...[':status=404', ':status=500', 'accept-charset', 'accept-encoding=gzip, deflate', 'accept-language'],
  ...['accept-ranges', 'accept', 'access-control-allow-origin', 'age', 'allow', 'authorization'],
  ...['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-length'],
  ...['content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag', 'expect', 'expires'],
  ...['from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'],
  ...['if-unmodified-since', 'last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'],
  ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie'],
  ...['strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
];
