/** One field of a protocol buffer: a number for a varint, the bytes of anything that has a length. */
export interface Field {
  number: number;
  value: number | Uint8Array;
}

/**
 * The fields of a serialised protocol buffer, in their order, without its schema. Fields of fixed width are passed over.
 * Throws where the bytes are none. Source: https://protobuf.dev/programming-guides/encoding
 */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('a protocol buffer ends within a number');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const kind = tag % 8;
    if (kind === 0) yield { number, value: varint() };
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new Error('a protocol buffer ends within a field');
      yield { number, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw new Error(`a protocol buffer has a field of the unknown kind ${kind}`);
  }
}

/** The protocol buffer of these fields: the other way round. Numbers are whole and not negative. */
export function serialise(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(({ number, value }) =>
      typeof value === 'number'
        ? [varint(number * 8), varint(value)]
        : [varint(number * 8 + 2), varint(value.length), value],
    ),
  );
}

function varint(value: number): Uint8Array {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Uint8Array.from([...bytes, value]);
}

export function textOf(value: Field['value']): string {
  return typeof value === 'number' ? String(value) : Buffer.from(value).toString('utf8');
}
