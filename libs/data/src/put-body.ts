/** What can be put: bytes, text (as UTF-8), or bytes in parts, which are written one after another and never joined. */
export type PutBody = Uint8Array | string | readonly Uint8Array[];

/** The parts of a body, as views of it. */
export function partsOf(body: PutBody): readonly Uint8Array[] {
  if (typeof body === 'string') return [Buffer.from(body)];
  return body instanceof Uint8Array ? [body] : body;
}

export function bytesOfParts(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Bytes from `begin` up to `end` of the parts' concatenation: a view where they lie in one part, otherwise a copy. */
export function sliceOfParts(parts: readonly Uint8Array[], begin: number, end: number): Buffer {
  const pieces: Buffer[] = [];
  let start = 0;
  for (const part of parts) {
    const [from, to] = [Math.max(begin - start, 0), Math.min(end - start, part.length)];
    if (from < to) pieces.push(Buffer.from(part.buffer, part.byteOffset + from, to - from));
    start += part.length;
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
