/**
 * Decompresses an LZ4 frame (specification: lz4_Frame_format.md 1.6.x), as Arrow writers put into buffers. Checksums are
 * skipped, because a shard's SHA-256 has been verified before. Our own, because `lz4js`, the one decoder in plain
 * JavaScript, misreads frames with block checksums, which polars writes. Throws a RangeError for a broken frame.
 */
export function decompressLz4Frame(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== 0x184d2204) throw new RangeError('no LZ4 frame');
  const flags = view.getUint8(4);
  const blockChecksum = flags & 0x10 ? 4 : 0;
  const largestBlock = 1 << (8 + 2 * ((view.getUint8(5) >>> 4) & 7));
  // Magic, flags, block size, content size, dictionary id, header checksum.
  const first = 6 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1;

  const blocks: { start: number; length: number; plain: boolean }[] = [];
  let bound = 0;
  for (let at = first; ;) {
    const word = view.getUint32(at, true);
    if (word === 0) break;
    const block = { start: at + 4, length: word & 0x7fffffff, plain: word >>> 31 === 1 };
    if (block.start + block.length > frame.length) throw new RangeError('an LZ4 frame that ends too early');
    blocks.push(block);
    bound += block.plain ? block.length : largestBlock;
    at = block.start + block.length + blockChecksum;
  }

  // A block may refer to bytes of the blocks before it, so all are written into one array.
  const target = new Uint8Array(bound);
  let length = 0;
  for (const { start, length: size, plain } of blocks) {
    const source = frame.subarray(start, start + size);
    if (plain) target.set(source, length);
    length = plain ? length + size : decompressBlock(source, target, length);
  }
  return target.slice(0, length);
}

/** Returns where the block's content ends in `target`. */
function decompressBlock(source: Uint8Array, target: Uint8Array, start: number): number {
  let from = 0;
  let to = start;
  const longLength = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255; length += byte) byte = source[from++] ?? 0;
    return length;
  };
  while (from < source.length) {
    const token = source[from++]!;
    const literals = longLength(token >>> 4);
    if (from + literals > source.length || to + literals > target.length)
      throw new RangeError('broken LZ4 block');
    target.set(source.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from === source.length) break;
    const distance = source[from]! | (source[from + 1]! << 8);
    from += 2;
    const end = to + 4 + longLength(token & 15);
    if (distance === 0 || distance > to || end > target.length) throw new RangeError('broken LZ4 block');
    // Byte by byte, because the match may overlap what it writes.
    for (; to < end; to++) target[to] = target[to - distance]!;
  }
  return to;
}
