import type { Connection } from './connection.js';
import type { DataTaker } from './frame-reader.js';
import { ErrorCode, Flag, FrameType, MAX_WINDOW, ProtocolError } from './frames.js';
import { type Headers, encodeHeaders } from './header-block.js';

/** Reads what the other end sends in a stream. */
export interface Sink {
  /** Where the next bytes belong, `most` of them at most; undefined where that is not known. */
  place(most: number): Buffer | undefined;
  placed(count: number): void;
  /** Tells how many of the bytes it takes; the others are handed over again when `drain` is called. */
  receive(data: Buffer): number;
  /** Nothing more comes: the other end has said so, or the call has broken off. */
  finish(how: 'ended' | 'broken'): void;
}

/** Hears of what is not data. */
export interface StreamOwner {
  headers?(headers: Headers): void;
  /** Both ends are done, or one of them broke off; `reason` where the connection is what broke. */
  closed?(reason?: string): void;
}

interface Outgoing {
  readonly type: number;
  /** Of its last frame. */
  readonly flags: number;
  pieces: Uint8Array[];
  bytes: number;
  /** The network has it all, or will never have it. */
  over?(sent: boolean): void;
}

/** One call within a connection: what HTTP/2 calls a stream. */
export class CallStream implements DataTaker {
  /** Bytes that the other end takes at present. */
  sendWindow: number;
  owner: StreamOwner = {};
  private receiveWindow: number;
  /** Bytes taken since the other end heard of some. */
  private taken = 0;
  private sink: Sink | undefined;
  /** What the sink does not take yet, less than a window. */
  private backlog: Buffer[] = [];
  private queue: Outgoing[] = [];
  private localEnded = false;
  private remoteEnded = false;
  /** 'ended': what has come can still be read. */
  private state: 'open' | 'ended' | 'broken' = 'open';

  constructor(
    private readonly connection: Connection,
    readonly id: number,
  ) {
    this.sendWindow = connection.peerWindow;
    this.receiveWindow = connection.window;
  }

  /** Whether nothing said here reaches anybody. */
  get isClosed(): boolean {
    return this.state !== 'open' || this.localEnded;
  }

  /** Sets who reads; what has come before is read now. */
  readWith(sink: Sink): void {
    this.sink = sink;
    this.drain();
  }

  sendHeaders(headers: Iterable<readonly [string, string]>, isLast = false): void {
    const block = encodeHeaders(headers);
    const flags = Flag.endHeaders | (isLast ? Flag.endStream : 0);
    this.enqueue({ type: FrameType.headers, flags, pieces: [block], bytes: block.length }, isLast);
  }

  /** Sends from where the pieces stand. `over` hears when that memory may be used again, once. */
  send(pieces: Uint8Array[], over: (sent: boolean) => void): void {
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    this.enqueue({ type: FrameType.data, flags: 0, pieces, bytes, over }, false);
  }

  finishSending(): void {
    this.enqueue({ type: FrameType.data, flags: Flag.endStream, pieces: [], bytes: 0 }, true);
  }

  /** Drops what has not been sent. */
  dropQueue(): void {
    for (const { over } of this.queue.splice(0)) over?.(false);
  }

  /** Breaks off. */
  reset(code: number = ErrorCode.cancel): void {
    if (this.state === 'open') this.connection.sendReset(this.id, code);
    this.close('broken');
  }

  /** Sends as much as the windows let through. */
  pump(): void {
    for (let item = this.queue[0]; item !== undefined; item = this.queue[0]) {
      const most = item.type === FrameType.data ? this.sendable : item.bytes;
      const bytes = Math.min(most, item.bytes);
      if (bytes <= 0 && item.bytes > 0) return;
      const isLast = bytes === item.bytes;
      if (item.type === FrameType.data) this.sendWindow -= bytes;
      const { type, pieces, over } = item;
      const header = { type, flags: isLast ? item.flags : 0, stream: this.id, length: bytes };
      if (isLast) this.queue.shift();
      else item.bytes -= bytes;
      const [now, later] = isLast ? [pieces, []] : split(pieces, bytes);
      item.pieces = later;
      this.connection.send(header, now, isLast ? over : undefined);
    }
    this.endIfDone();
  }

  private get sendable(): number {
    const { sendWindow, peerFrameBytes } = this.connection;
    return Math.min(this.sendWindow, sendWindow, peerFrameBytes);
  }

  private enqueue(item: Outgoing, isEnd: boolean): void {
    if (this.isClosed) {
      item.over?.(false);
      return;
    }
    this.localEnded = isEnd;
    this.queue.push(item);
    this.pump();
  }

  /** The other end takes so many bytes more. Throws a ProtocolError. */
  widen(bytes: number): void {
    this.sendWindow += bytes;
    if (this.sendWindow > MAX_WINDOW) throw new ProtocolError('a window was made wider than HTTP/2 allows');
    this.pump();
  }

  /** Data of so many bytes are coming. Throws a ProtocolError. */
  expect(bytes: number): void {
    this.receiveWindow -= bytes;
    if (this.receiveWindow < 0) throw new ProtocolError('more came than the window of a call lets through');
  }

  place(most: number): Buffer | undefined {
    return this.state === 'broken' || this.backlog.length > 0 ? undefined : this.sink?.place(most);
  }

  placed(count: number): void {
    if (this.state !== 'broken') this.sink!.placed(count);
    this.giveCredit(count);
  }

  receive(data: Buffer): void {
    if (this.state === 'broken') return this.giveCredit(data.length);
    const count = this.backlog.length === 0 && this.sink !== undefined ? this.sink.receive(data) : 0;
    if (count > 0) this.giveCredit(count);
    if (count < data.length) this.backlog.push(Buffer.from(data.subarray(count)));
  }

  /** The sink may take what it did not take before. */
  drain(): void {
    const { sink, backlog } = this;
    while (sink !== undefined && backlog.length > 0) {
      const data = backlog[0]!;
      const count = sink.receive(data);
      this.giveCredit(count);
      if (count < data.length) {
        backlog[0] = data.subarray(count);
        return;
      }
      backlog.shift();
    }
    if (this.remoteEnded) sink?.finish('ended');
  }

  /** The other end sends nothing more. */
  endReceiving(): void {
    this.remoteEnded = true;
    this.drain();
    this.endIfDone();
  }

  /** The call is over for this connection. */
  close(how: 'ended' | 'broken', reason?: string): void {
    const wasOpen = this.state === 'open';
    if (this.state === 'broken' || (!wasOpen && how === 'ended')) return;
    this.state = how;
    this.connection.forget(this);
    this.dropQueue();
    if (how === 'broken') {
      for (const { length } of this.backlog.splice(0)) this.giveCredit(length);
      this.sink?.finish('broken');
    }
    if (wasOpen) this.owner.closed?.(reason);
  }

  /** A server's status is the end of a call, whatever its client still had to say. */
  private endIfDone(): void {
    if (this.state !== 'open') return;
    const isSent = this.localEnded && this.queue.length === 0;
    if (this.connection.role === 'server') {
      if (isSent && this.remoteEnded) this.close('ended');
      else if (isSent) this.reset(ErrorCode.none);
    } else if (this.remoteEnded) {
      if (!isSent) this.connection.sendReset(this.id, ErrorCode.cancel);
      this.close('ended');
    }
  }

  private giveCredit(bytes: number): void {
    this.connection.giveCredit(bytes);
    this.taken += bytes;
    if (this.state !== 'open' || this.remoteEnded || this.taken < this.connection.window / 4) return;
    this.connection.sendCredit(this.id, this.taken);
    this.receiveWindow += this.taken;
    this.taken = 0;
  }
}

/** The first bytes, and the others. */
function split(pieces: readonly Uint8Array[], bytes: number): [Uint8Array[], Uint8Array[]] {
  const [now, later]: [Uint8Array[], Uint8Array[]] = [[], []];
  let left = bytes;
  for (const piece of pieces) {
    const count = Math.min(left, piece.length);
    if (count > 0) now.push(piece.subarray(0, count));
    if (count < piece.length) later.push(piece.subarray(count));
    left -= count;
  }
  return [now, later];
}
