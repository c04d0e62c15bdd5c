import type { ObjectStore } from './object-store.js';

/** Bytes of a piece: few enough that nothing else waits long, many enough that requests do not count. */
const PIECE_BYTES = 8 << 20;

/**
 * The first `bytes` of an object in pieces, in order, so that it is never in memory as a whole; the next piece is read
 * while one is used. Throws as `getRange` does.
 */
export async function* readPieces(
  store: ObjectStore,
  path: string,
  bytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const read = (offset: number) => {
    const piece = store.getRange(path, offset, Math.min(PIECE_BYTES, bytes - offset));
    // A fault is thrown where the piece is awaited, which may never be.
    piece.catch(() => undefined);
    return piece;
  };
  let next = bytes > 0 ? read(0) : undefined;
  for (let end = 0; next !== undefined;) {
    signal?.throwIfAborted();
    const piece: Buffer = await next;
    end += piece.length;
    next = end < bytes ? read(end) : undefined;
    yield piece;
  }
}
