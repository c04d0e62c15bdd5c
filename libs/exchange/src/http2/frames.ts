/** HTTP/2's frames (RFC 9113, section 6), as far as a gRPC call needs them. */
export const FrameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;

export const Flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  initialWindowSize: 4,
  maxFrameSize: 5,
  /**
   * Among the numbers for experiments: who names it reads and writes frames as this folder does. Others must ignore what
   * they do not know (section 6.5.2).
   */
  captrain: 0xf0ca,
} as const;

/** Why a stream is reset. */
export const ErrorCode = { none: 0, refusedStream: 7, cancel: 8 } as const;

/** What a client's connection begins with, before its SETTINGS. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FRAME_HEADER_BYTES = 9;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;
export const DEFAULT_FRAME_BYTES = 16_384;

export interface FrameHeader {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  /** 0: the connection. */
  readonly stream: number;
}

/** The other end broke HTTP/2's rules, or left the part of it that is understood here. The connection ends. */
export class ProtocolError extends Error {}

export function frameHeader({ length, type, flags, stream }: FrameHeader): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  bytes.writeUIntBE(length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  return bytes;
}

export function readFrameHeader(bytes: Buffer): FrameHeader {
  const stream = bytes.readUInt32BE(5) & MAX_WINDOW;
  return { length: bytes.readUIntBE(0, 3), type: bytes.readUInt8(3), flags: bytes.readUInt8(4), stream };
}

/** A frame that is short, whole. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader({ length: payload.length, type, flags, stream }), payload]);
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  settings.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  });
  return frame(FrameType.settings, 0, 0, payload);
}

/** Of several that are the same, the last one counts. */
export function readSettings(payload: Buffer): Map<number, number> {
  const settings = new Map<number, number>();
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  }
  return settings;
}

/** The payload of WINDOW_UPDATE, RST_STREAM, and alike. */
export function numberFrame(type: number, stream: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return frame(type, 0, stream, payload);
}
