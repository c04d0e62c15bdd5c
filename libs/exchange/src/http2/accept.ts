import { type OnReadOpts, Socket } from 'node:net';
import { Connection, type ConnectionOptions } from './connection.js';
import { FRAME_HEADER_BYTES, FrameType, PREFACE, Setting, readFrameHeader } from './frames.js';

/** Whether a connection that begins with these bytes is that of a Connection; undefined where they are too few to tell. */
export function isOwn(head: Buffer): boolean | undefined {
  const known = Math.min(head.length, PREFACE.length);
  if (head.compare(PREFACE, 0, known, 0, known) !== 0) return false;
  const settings = head.subarray(PREFACE.length);
  if (settings.length < FRAME_HEADER_BYTES) return undefined;
  const { type, length } = readFrameHeader(settings);
  // Others may say nothing more until they are answered.
  if (type !== FrameType.settings || length === 0) return false;
  if (settings.length < FRAME_HEADER_BYTES + 2) return undefined;
  return settings.readUInt16BE(FRAME_HEADER_BYTES) === Setting.captrain;
}

/** Takes over a connection that a server of Node's has accepted, and of which `head` has been read. */
export function accept(
  accepted: Socket,
  head: Buffer,
  onCall: NonNullable<ConnectionOptions['onCall']>,
): Connection {
  const connection = new Connection({
    ...{ role: 'server', onCall },
    open: (onread) => rereading(accepted, onread),
  });
  connection.receive(head.subarray(PREFACE.length));
  return connection;
}

/** The same connection, read another way: Node lets a client choose that, and not a server (20 to 24). */
function rereading(accepted: Socket, onread: OnReadOpts): Socket {
  const held = accepted as unknown as { _handle: unknown };
  const handle = held._handle;
  held._handle = null;
  accepted.destroy();
  return new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0]);
}
