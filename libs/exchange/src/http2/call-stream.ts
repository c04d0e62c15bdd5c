import type { Connection } from './connection.js';
import type { DataTaker } from './frame-reader.js';
import { ErrorCode, Flag, FrameType, MAX_WINDOW, ProtocolError } from './frames.js';
import { type Headers, encodeHeaders } from './header-block.js';

/** Reads what the other end sends in a call. */
export interface Sink extends DataTaker {
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
  owner: StreamOwner = {};
  /** Bytes that the other end takes at present, and that may come. */
  private sendWindow: number;
  private receiveWindow: number;
  private sink: Sink | undefined;
  private readonly queue: Outgoing[] = [];
  private localEnded = false;
  private remoteEnded = false;
  private isOver = false;

  constructor(
    private readonly connection: Connection,
    readonly id: number,
    windows: { send: number; receive: number },
  ) {
    [this.sendWindow, this.receiveWindow] = [windows.send, windows.receive];
  }

  /** Whether nothing said here reaches anybody. */
  get isClosed(): boolean {
    return this.isOver || this.localEnded;
  }

  /** Sets who reads, at once: it is handed everything that the window lets through. */
  readWith(sink: Sink): void {
    this.sink = sink;
  }

  /** So many bytes more may come. */
  allow(bytes: number): void {
    this.receiveWindow += bytes;
    if (!this.isOver && !this.remoteEnded) this.connection.sendCredit(this.id, bytes);
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
    if (this.isOver) return;
    this.connection.sendReset(this.id, code);
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
    return this.isOver ? undefined : this.sink?.place(most);
  }

  placed(count: number): void {
    if (!this.isOver) this.sink?.placed(count);
  }

  receive(data: Buffer): void {
    if (!this.isOver) this.sink?.receive(data);
  }

  /** The other end sends nothing more. */
  endReceiving(): void {
    this.remoteEnded = true;
    this.sink?.finish('ended');
    this.endIfDone();
  }

  /** The call is over. */
  close(how: 'ended' | 'broken', reason?: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.connection.forget(this);
    this.dropQueue();
    if (how === 'broken') this.sink?.finish('broken');
    this.owner.closed?.(reason);
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

  /** A server's status is the end of a call, whatever its client still had to say. */
  private endIfDone(): void {
    if (this.isOver) return;
    const isSent = this.localEnded && this.queue.length === 0;
    if (this.connection.role === 'server') {
      if (isSent && this.remoteEnded) this.close('ended');
      else if (isSent) this.reset(ErrorCode.none);
    } else if (this.remoteEnded) {
      if (!isSent) this.connection.sendReset(this.id, ErrorCode.cancel);
      this.close('ended');
    }
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
