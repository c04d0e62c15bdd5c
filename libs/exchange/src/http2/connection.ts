import type { OnReadOpts, Socket } from 'node:net';
import { messageOf } from '@captrain/runtime';
import { CallStream } from './call-stream.js';
import { type DataTaker, type FrameHandler, FrameReader } from './frame-reader.js';
import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW,
  ErrorCode,
  Flag,
  type FrameHeader,
  FrameType,
  MAX_WINDOW,
  PREFACE,
  ProtocolError,
  Setting,
  frame,
  frameHeader,
  numberFrame,
  readSettings,
  settingsFrame,
} from './frames.js';
import { decodeHeaders } from './header-block.js';

/** A chunk and its header go in one frame where the windows let them. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024;
const MAX_STREAMS = 64;

/** How often the other end is asked whether it is there, and how long it may take to say so. */
const PING_EVERY_MS = 10_000;
const PING_TIMEOUT_MS = 20_000;

/**
 * Bytes that may come of all calls. So many that it holds nobody back: what may come is said for each call, and none has more
 * until its reader says so.
 */
const WINDOW = 2 ** 30;

export interface ConnectionOptions {
  readonly role: 'client' | 'server';
  /** Makes the socket, which reads as `onread` says. */
  readonly open: (onread: OnReadOpts) => Socket;
  /** A server's: a client has begun a call for this path. */
  readonly onCall?: (stream: CallStream, path: string) => void;
}

/**
 * One end of an HTTP/2 connection, in as much of RFC 9113 as gRPC's calls are made of. Node's own reads into a new buffer of
 * 64 KiB each time, copies that, and writes frames of 16 KiB; here bytes are read to where they belong, and written from
 * where they stand.
 */
export class Connection implements FrameHandler {
  readonly role: 'client' | 'server';
  peerFrameBytes = DEFAULT_FRAME_BYTES;
  /** Bytes that the other end takes of all calls. */
  sendWindow = DEFAULT_WINDOW;
  private readonly reader = new FrameReader(this, MAX_FRAME_BYTES);
  readonly socket: Socket;
  private readonly streams = new Map<number, CallStream>();
  private readonly onCall: ConnectionOptions['onCall'];
  /** Bytes that the other end takes in a new call. */
  private peerWindow = DEFAULT_WINDOW;
  private receiveWindow = WINDOW;
  private nextId = 1;
  private fault: Error | undefined;
  private patience: NodeJS.Timeout | undefined;
  private state: 'open' | 'draining' | 'closed' = 'open';

  constructor({ role, open, onCall }: ConnectionOptions) {
    this.role = role;
    this.onCall = onCall;
    this.socket = open({
      buffer: () => this.reader.buffer(),
      callback: (count) => this.guard(() => this.reader.take(count)),
    });
    this.socket.setNoDelay(true);
    this.socket.on('error', (error) => (this.fault ??= error));
    this.socket.on('close', () => this.close());
    const pings = setInterval(() => this.ask(), PING_EVERY_MS).unref();
    this.socket.once('close', () => clearInterval(pings));
    this.introduce();
  }

  /** False where no call can be begun any more. */
  get isUsable(): boolean {
    return this.state === 'open' && !this.socket.destroyed;
  }

  /** Begins a call. */
  call(headers: Iterable<readonly [string, string]>): CallStream {
    const stream = this.open(this.nextId);
    stream.sendHeaders(headers);
    return stream;
  }

  /** Bytes that were read before the connection was this one's. */
  receive(data: Buffer): void {
    this.guard(() => this.reader.parse(data));
  }

  destroy(error?: Error): void {
    this.fault ??= error;
    this.socket.destroy();
  }

  forget(stream: CallStream): void {
    this.streams.delete(stream.id);
  }

  /** Writes a frame, its payload from where it stands. `over` hears when that memory may be used again. */
  send(header: FrameHeader, payload: readonly Uint8Array[], over?: (sent: boolean) => void): void {
    const { socket } = this;
    if (header.type === FrameType.data) this.sendWindow -= header.length;
    const pieces = [frameHeader(header), ...payload];
    const last = pieces.pop()!;
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.write(last, (error) => over?.(!error));
    socket.uncork();
  }

  sendReset(stream: number, code: number): void {
    this.socket.write(numberFrame(FrameType.resetStream, stream, code));
  }

  sendCredit(stream: number, bytes: number): void {
    this.socket.write(numberFrame(FrameType.windowUpdate, stream, bytes));
  }

  beginData({ stream: id, length, flags }: FrameHeader): DataTaker {
    if (flags & Flag.padded) throw new ProtocolError('padded frames are not understood here');
    const stream = this.streams.get(id);
    stream?.expect(length);
    this.receiveWindow -= length;
    if (this.receiveWindow < WINDOW / 2) {
      this.sendCredit(0, WINDOW - this.receiveWindow);
      this.receiveWindow = WINDOW;
    }
    return stream ?? NOBODY;
  }

  endData({ stream, flags }: FrameHeader): void {
    if (flags & Flag.endStream) this.streams.get(stream)?.endReceiving();
  }

  control(header: FrameHeader, payload: Buffer): void {
    const { type, flags, stream: id } = header;
    const stream = this.streams.get(id);
    if (type === FrameType.headers) this.receiveHeaders(header, payload);
    else if (type === FrameType.settings) this.obey(flags, payload);
    else if (type === FrameType.ping) this.answer(flags, payload);
    else if (type === FrameType.windowUpdate) this.widen(id, payload.readUInt32BE() & MAX_WINDOW);
    else if (type === FrameType.resetStream) stream?.close('broken');
    else if (type === FrameType.goAway) this.drainAfter(payload.readUInt32BE() & MAX_WINDOW);
    // PRIORITY, and kinds that are not known, change nothing.
  }

  private introduce(): void {
    const settings = settingsFrame([
      [Setting.captrain, 1],
      [Setting.headerTableSize, 0],
      ...(this.role === 'client' ? ([[Setting.enablePush, 0]] as const) : []),
      [Setting.maxFrameSize, MAX_FRAME_BYTES],
    ]);
    const wider = numberFrame(FrameType.windowUpdate, 0, WINDOW - DEFAULT_WINDOW);
    const preface = this.role === 'client' ? [PREFACE] : [];
    this.socket.write(Buffer.concat([...preface, settings, wider]));
  }

  private receiveHeaders({ flags, stream: id }: FrameHeader, block: Buffer): void {
    if (!(flags & Flag.endHeaders) || flags & (Flag.padded | Flag.priority))
      throw new ProtocolError('header frames that are cut, padded or of a priority are not understood here');
    const headers = decodeHeaders(block);
    let stream = this.streams.get(id);
    if (stream === undefined) {
      if (this.role === 'client' || id < this.nextId || id % 2 === 0) return;
      if (this.streams.size >= MAX_STREAMS) return this.sendReset(id, ErrorCode.refusedStream);
      stream = this.open(id);
      this.onCall!(stream, headers.get(':path') ?? '');
    } else stream.owner.headers?.(headers);
    if (flags & Flag.endStream) stream.endReceiving();
  }

  private open(id: number): CallStream {
    this.nextId = id + 2;
    const stream = new CallStream(this, id, { send: this.peerWindow, receive: DEFAULT_WINDOW });
    this.streams.set(id, stream);
    return stream;
  }

  private obey(flags: number, payload: Buffer): void {
    if (flags & Flag.ack) return;
    const settings = readSettings(payload);
    this.peerFrameBytes = settings.get(Setting.maxFrameSize) ?? this.peerFrameBytes;
    const wider = (settings.get(Setting.initialWindowSize) ?? this.peerWindow) - this.peerWindow;
    this.peerWindow += wider;
    this.socket.write(frame(FrameType.settings, Flag.ack, 0, new Uint8Array()));
    for (const stream of this.streams.values()) stream.widen(wider);
  }

  private widen(id: number, bytes: number): void {
    if (bytes === 0) throw new ProtocolError('a window was made wider by nothing');
    if (id !== 0) return this.streams.get(id)?.widen(bytes);
    this.sendWindow += bytes;
    if (this.sendWindow > MAX_WINDOW) throw new ProtocolError('a window was made wider than HTTP/2 allows');
    for (const stream of this.streams.values()) stream.pump();
  }

  private answer(flags: number, payload: Buffer): void {
    if (flags & Flag.ack) {
      clearTimeout(this.patience);
      this.patience = undefined;
    } else this.socket.write(frame(FrameType.ping, Flag.ack, 0, payload));
  }

  /** Ends the connection where the other end does not answer: its machine may be gone without a word. */
  private ask(): void {
    if (this.socket.connecting || this.patience !== undefined) return;
    const silent = () => this.destroy(new Error('the other end does not answer'));
    this.patience = setTimeout(silent, PING_TIMEOUT_MS).unref();
    this.socket.write(frame(FrameType.ping, 0, 0, new Uint8Array(8)));
  }

  /** The other end begins no call after the last one that it names. */
  private drainAfter(last: number): void {
    if (this.state === 'open') this.state = 'draining';
    for (const stream of [...this.streams.values()]) {
      if (stream.id > last) stream.close('broken', 'the other end takes no more calls');
    }
  }

  private guard(work: () => void): boolean {
    try {
      work();
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    }
    return true;
  }

  private close(): void {
    this.state = 'closed';
    clearTimeout(this.patience);
    const reason = this.fault === undefined ? 'the connection ended' : messageOf(this.fault);
    for (const stream of [...this.streams.values()]) stream.close('broken', reason);
  }
}

/** Of calls that are over. */
const NOBODY: DataTaker = { place: () => undefined, placed: () => {}, receive: () => {} };
