import protobuf from 'protobufjs/minimal.js';

/** How values travel: float32, or bfloat16, which halves the bytes. */
export type WireFormat = 'float32' | 'bfloat16';

/**
 * Part of a gradient on the wire: `values` are little-endian numbers of `format` from position `offset` of `total`.
 * `worker` is whose it is; `firstMicrobatch` and `microbatches` name the subtree whose sum this is, and both are 0 for
 * the global sum and in a call's first chunk, which has no values.
 */
export interface GradientChunk {
  generation: number;
  step: number;
  worker: number;
  firstMicrobatch: number;
  microbatches: number;
  offset: number;
  total: number;
  format: WireFormat;
  /** CRC-32C of the values' bytes. */
  checksum: number;
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
const VALUES = (15 << 3) | 2;

const FORMATS: readonly (WireFormat | undefined)[] = [undefined, 'float32', 'bfloat16'];

/** The protobuf bytes of a chunk; the values are copied once. */
export function encodeGradientChunk(chunk: GradientChunk): Buffer {
  const bytes = protobuf.Writer.create()
    .uint32(GENERATION)
    .fixed64(chunk.generation)
    .uint32(STEP)
    .fixed64(chunk.step)
    .uint32(WORKER)
    .fixed32(chunk.worker)
    .uint32(FIRST_MICROBATCH)
    .fixed32(chunk.firstMicrobatch)
    .uint32(MICROBATCHES)
    .fixed32(chunk.microbatches)
    .uint32(OFFSET)
    .fixed64(chunk.offset)
    .uint32(TOTAL)
    .fixed64(chunk.total)
    .uint32(FORMAT)
    .uint32(FORMATS.indexOf(chunk.format))
    .uint32(CHECKSUM)
    .fixed32(chunk.checksum)
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
    worker: 0,
    firstMicrobatch: 0,
    microbatches: 0,
    offset: 0,
    total: 0,
    format: 'float32',
    checksum: 0,
    values: new Uint8Array(0),
  };
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
    else if (tag === VALUES) chunk.values = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return chunk;
}
