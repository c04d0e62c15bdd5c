import { describe, expect, it } from 'vitest';
import { decodeHeaders, encodeHeaders } from './header-block.js';

/** As RFC 7541, appendix C, has them. */
const block = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('a header block', () => {
  it('is read as it was written, whatever its length', () => {
    const headers = new Map([
      [':status', '200'],
      ['grpc-message', 'x'.repeat(100_000)],
      ['empty', ''],
    ]);
    expect(decodeHeaders(encodeHeaders(headers))).toEqual(headers);
  });

  it.each([
    [
      'a literal',
      '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
      'custom-key',
      'custom-header',
    ],
    ['a literal of a name that is known', '040c 2f73 616d 706c 652f 7061 7468', ':path', '/sample/path'],
    ['a literal that nobody may keep', '1008 7061 7373 776f 7264 0673 6563 7265 74', 'password', 'secret'],
    ['a field that is known', '82', ':method', 'GET'],
    ['Huffman codes', '418c f1e3 c2e5 f23a 6ba0 ab90 f4ff', ':authority', 'www.example.com'],
    ['a table’s size before it', '20 82', ':method', 'GET'],
  ])('with %s', (_, hex, name, value) => {
    expect([...decodeHeaders(block(hex))]).toEqual([[name, value]]);
  });

  it('has all codes of Huffman', () => {
    // RFC 7541, C.6.1, and the bytes of "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1" of C.6.3.
    const date = '6496 d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff';
    expect(decodeHeaders(block(`61${date.replaceAll(' ', '').slice(2)}`)).get('date')).toBe(
      'Mon, 21 Oct 2013 20:13:21 GMT',
    );
    const cookie =
      '77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07';
    expect(decodeHeaders(block(cookie)).get('set-cookie')).toBe(
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    );
  });

  it.each([
    ['a field of a table that is not kept', 'be'],
    ['a text that is cut', '000a 6375'],
    ['a number that does not end', 'ffff ffff ffff ffff'],
    ['Huffman codes with wrong padding', '0081 0001 61'],
  ])('that has %s is refused', (_, hex) => {
    expect(() => decodeHeaders(block(hex))).toThrow(RangeError);
  });
});
