import protobuf from 'protobufjs/minimal.js';

/** How values travel: float32, or bfloat16, which halves the bytes. */
export type WireFormat = 'float32' | 'bfloat16';

/** All of a chunk but its values. */
export interface ChunkHeader {
  generation: number;
  step: number;
  /** Whose it is; 0 in what a reducer sends. */
  worker: number;
  /** These two name the subtree whose sum this is; both are 0 for the global sum, and in a call's first chunk. */
  firstMicrobatch: number;
  microbatches: number;
  /** Position of the first value, of `total`. */
  offset: number;
  total: number;
  format: WireFormat;
  /** CRC-32C of the values' bytes. */
  checksum: number;
  /** In a call's first chunk: the call receives the global sum, and does not send the worker's own. */
  receives: boolean;
}

/** Part of a gradient on the wire. A call's first chunk has no values. */
export interface GradientChunk extends ChunkHeader {
  /** Little-endian numbers of `format`. */
  values: Uint8Array;
}

// Field number << 3 | wire type, as in captrain/v1/training.proto.
const GENERATION = (1 << 3) | 1;
const STEP = (2 << 3) | 1;
const WORKER = (3 << 3) | 5;
const FIRST_MICROBATCH = (4 << 3) | 5;
const MICROBATCHES = (5 << 3) | 5;
const OFFSET = (6 << 3) | 1;
const TOTAL = (7 << 3) | 1;
const FORMAT = (8 << 3) | 0;
const CHECKSUM = (9 << 3) | 5;
const RECEIVES = (10 << 3) | 0;
const VALUES = (15 << 3) | 2;

const FORMATS: readonly (WireFormat | undefined)[] = [undefined, 'float32', 'bfloat16'];

/** A chunk's protobuf bytes: a header, and behind it values that are written where they are sent from. */
export class ChunkMessage {
  /** gRPC's prefix (not compressed, and the length), and all before the values. */
  readonly header: Buffer;
  private readonly length: number;

  /** `values`: room for them, to be written before the message is sent; or where they stand, to be sent from there. */
  constructor(readonly values: Uint8Array) {
    const header = encodeHeader(EMPTY, values.length).length;
    this.length = header + values.length;
    this.header = Buffer.alloc(FRAME_PREFIX_BYTES + header);
  }

  /** Writes what stands before the values; the same message may be used again with another header. */
  seal(header: ChunkHeader): this {
    this.header.writeUint8(0);
    this.header.writeUint32BE(this.length, 1);
    this.header.set(encodeHeader(header, this.values.length), FRAME_PREFIX_BYTES);
    return this;
  }
}

/** gRPC writes before each message whether it is compressed (one byte), and its length. */
export const FRAME_PREFIX_BYTES = 5;

/** As long for one header as for any other: all numbers that vary are fixed32 or fixed64. */
function encodeHeader(header: ChunkHeader, length: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32(GENERATION)
    .fixed64(header.generation)
    .uint32(STEP)
    .fixed64(header.step)
    .uint32(WORKER)
    .fixed32(header.worker)
    .uint32(FIRST_MICROBATCH)
    .fixed32(header.firstMicrobatch)
    .uint32(MICROBATCHES)
    .fixed32(header.microbatches)
    .uint32(OFFSET)
    .fixed64(header.offset)
    .uint32(TOTAL)
    .fixed64(header.total)
    .uint32(FORMAT)
    .uint32(FORMATS.indexOf(header.format))
    .uint32(CHECKSUM)
    .fixed32(header.checksum)
    .uint32(RECEIVES)
    .bool(header.receives)
    .uint32(VALUES)
    .uint32(length)
    .finish();
}

/** The protobuf bytes of a chunk; the values are copied. */
export function encodeGradientChunk(chunk: GradientChunk): Buffer {
  const { header, values } = new ChunkMessage(chunk.values).seal(chunk);
  return Buffer.concat([header.subarray(FRAME_PREFIX_BYTES), values]);
}

const EMPTY: GradientChunk = {
  generation: 0,
  step: 0,
  worker: 0,
  firstMicrobatch: 0,
  microbatches: 0,
  offset: 0,
  total: 0,
  format: 'float32',
  checksum: 0,
  receives: false,
  values: new Uint8Array(0),
};

/** The chunk in protobuf bytes; its values are a view of them. Throws a RangeError on malformed bytes. */
export function decodeGradientChunk(bytes: Buffer): GradientChunk {
  const reader = protobuf.Reader.create(bytes);
  const chunk: GradientChunk = { ...EMPTY };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === GENERATION) chunk.generation = Number(reader.fixed64());
    else if (tag === STEP) chunk.step = Number(reader.fixed64());
    else if (tag === WORKER) chunk.worker = reader.fixed32();
    else if (tag === FIRST_MICROBATCH) chunk.firstMicrobatch = reader.fixed32();
    else if (tag === MICROBATCHES) chunk.microbatches = reader.fixed32();
    else if (tag === OFFSET) chunk.offset = Number(reader.fixed64());
    else if (tag === TOTAL) chunk.total = Number(reader.fixed64());
    else if (tag === FORMAT) chunk.format = FORMATS[reader.uint32()] ?? 'float32';
    else if (tag === CHECKSUM) chunk.checksum = reader.fixed32();
    else if (tag === RECEIVES) chunk.receives = reader.bool();
    else if (tag === VALUES) chunk.values = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return chunk;
}
