import protobuf from 'protobufjs/minimal.js';

/**
 * Part of a gradient on the wire: `values` are little-endian float32 from position `offset` of `total`.
 * `firstMicrobatch` and `microbatches` name the subtree whose sum this is; both are 0 for the global sum.
 */
export interface GradientChunk {
  generation: number;
  step: number;
  firstMicrobatch: number;
  microbatches: number;
  offset: number;
  total: number;
  values: Uint8Array;
}

// Field number << 3 | wire type, as in captrain/v1/training.proto.
const GENERATION = (1 << 3) | 5;
const STEP = (2 << 3) | 1;
const FIRST_MICROBATCH = (3 << 3) | 5;
const MICROBATCHES = (4 << 3) | 5;
const OFFSET = (5 << 3) | 1;
const TOTAL = (6 << 3) | 1;
const VALUES = (15 << 3) | 2;

/** The protobuf bytes of a chunk; the values are copied once. */
export function encodeGradientChunk(chunk: GradientChunk): Buffer {
  const bytes = protobuf.Writer.create()
    .uint32(GENERATION)
    .fixed32(chunk.generation)
    .uint32(STEP)
    .fixed64(chunk.step)
    .uint32(FIRST_MICROBATCH)
    .fixed32(chunk.firstMicrobatch)
    .uint32(MICROBATCHES)
    .fixed32(chunk.microbatches)
    .uint32(OFFSET)
    .fixed64(chunk.offset)
    .uint32(TOTAL)
    .fixed64(chunk.total)
    .uint32(VALUES)
    .bytes(chunk.values)
    .finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The chunk in protobuf bytes; its values are a view of them. Throws a RangeError on malformed bytes. */
export function decodeGradientChunk(bytes: Buffer): GradientChunk {
  const reader = protobuf.Reader.create(bytes);
  const chunk: GradientChunk = {
    generation: 0,
    step: 0,
    firstMicrobatch: 0,
    microbatches: 0,
    offset: 0,
    total: 0,
    values: new Uint8Array(0),
  };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === GENERATION) chunk.generation = reader.fixed32();
    else if (tag === STEP) chunk.step = Number(reader.fixed64());
    else if (tag === FIRST_MICROBATCH) chunk.firstMicrobatch = reader.fixed32();
    else if (tag === MICROBATCHES) chunk.microbatches = reader.fixed32();
    else if (tag === OFFSET) chunk.offset = Number(reader.fixed64());
    else if (tag === TOTAL) chunk.total = Number(reader.fixed64());
    else if (tag === VALUES) chunk.values = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return chunk;
}
