import { DEFAULT_FRAME_BYTES, FRAME_HEADER_BYTES, FrameType, ProtocolError } from './frames.js';
import { type FrameHeader, readFrameHeader } from './frames.js';

/** Bytes that are read at a time where it is not known where they belong. */
const SCRATCH_BYTES = 64 * 1024;
/** Of a frame's values, so many are worth a read of their own into the place where they belong. */
const LEAST_DIRECT_BYTES = 64 * 1024;

/** Takes the values of one DATA frame. */
export interface DataTaker {
  /** Where the next values may be read to, `most` of them at most; undefined where they are to be handed over. */
  place(most: number): Buffer | undefined;
  /** So many were read to the place. */
  placed(count: number): void;
  /** Values that are only there during the call. */
  receive(data: Buffer): void;
}

export interface FrameHandler {
  /** A DATA frame begins: whose it is. Throws a ProtocolError. */
  beginData(header: FrameHeader): DataTaker;
  /** All its values have come. */
  endData(header: FrameHeader): void;
  /** Another frame, whole; the payload is only there during the call. Throws a ProtocolError. */
  control(header: FrameHeader, payload: Buffer): void;
}

/**
 * Cuts what a socket reads into frames. The values of long frames are read by the kernel straight to where they belong:
 * `buffer` and `take` are the two sides of a socket's `onread`.
 */
export class FrameReader {
  private readonly scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  private readonly start = Buffer.alloc(FRAME_HEADER_BYTES);
  private startBytes = 0;
  private header: FrameHeader | undefined;
  private remaining = 0;
  private taker: DataTaker | undefined;
  private payload: Buffer | undefined;
  private direct: Buffer | undefined;

  constructor(
    private readonly handler: FrameHandler,
    private readonly mostFrameBytes: number,
  ) {}

  /** Memory for the next read. */
  buffer(): Buffer {
    const { taker, remaining } = this;
    this.direct = remaining >= LEAST_DIRECT_BYTES ? taker?.place(remaining) : undefined;
    return this.direct ?? this.scratch;
  }

  /** So many bytes were read there. Throws a ProtocolError. */
  take(count: number): void {
    if (this.direct === undefined) this.parse(this.scratch.subarray(0, count));
    else {
      this.remaining -= count;
      this.taker!.placed(count);
      if (this.remaining === 0) this.end();
    }
  }

  /** Bytes that were read elsewhere. Throws a ProtocolError. */
  parse(data: Buffer): void {
    for (let at = 0; at < data.length;) {
      at += this.header === undefined ? this.begin(data, at) : this.fill(this.header, data, at);
    }
  }

  private begin(data: Buffer, at: number): number {
    const count = data.copy(this.start, this.startBytes, at);
    this.startBytes += count;
    if (this.startBytes < FRAME_HEADER_BYTES) return count;
    this.startBytes = 0;
    const header = (this.header = readFrameHeader(this.start));
    const isData = header.type === FrameType.data;
    if (header.length > (isData ? this.mostFrameBytes : DEFAULT_FRAME_BYTES)) {
      throw new ProtocolError(`a frame of ${header.length} bytes came, which is more than was allowed`);
    }
    this.remaining = header.length;
    if (isData) this.taker = this.handler.beginData(header);
    else this.payload = Buffer.allocUnsafe(header.length);
    if (header.length === 0) this.end();
    return count;
  }

  private fill(header: FrameHeader, data: Buffer, at: number): number {
    const piece = data.subarray(at, at + this.remaining);
    if (this.taker !== undefined) this.taker.receive(piece);
    else piece.copy(this.payload!, header.length - this.remaining);
    this.remaining -= piece.length;
    if (this.remaining === 0) this.end();
    return piece.length;
  }

  private end(): void {
    const { header, payload } = this;
    this.header = this.taker = this.payload = undefined;
    if (payload === undefined) this.handler.endData(header!);
    else this.handler.control(header!, payload);
  }
}
