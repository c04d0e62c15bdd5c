import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { accept, isOwn } from './accept.js';
import type { CallStream, Sink } from './call-stream.js';
import { Connection } from './connection.js';
import {
  DEFAULT_WINDOW,
  Flag,
  FrameType,
  PREFACE,
  Setting,
  frame,
  numberFrame,
  settingsFrame,
} from './frames.js';
import { encodeHeaders } from './header-block.js';

const WINDOW = DEFAULT_WINDOW;
const REQUEST = [[':path', '/sum']] as const;

class Heap implements Sink {
  readonly bytes: Buffer[] = [];
  end: string | undefined;

  place(): undefined {}
  placed(): void {}

  receive(data: Buffer): void {
    this.bytes.push(Buffer.from(data));
  }

  finish(how: string): void {
    this.end = how;
  }

  get length(): number {
    return this.bytes.reduce((sum, { length }) => sum + length, 0);
  }
}

let server: Server | undefined;
const ends: { destroy(): void }[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy();
  server?.close();
});

/** A server of calls; each is `called` with. */
async function serve(called: (stream: CallStream, path: string) => void): Promise<number> {
  server = createServer((socket) => {
    socket.once('readable', () => {
      const head = socket.read() as Buffer;
      expect(isOwn(head)).toBe(true);
      ends.push(accept(socket, head, called));
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function client(port: number): Connection {
  const connection = new Connection({
    role: 'client',
    open: (onread) => connect({ host: '127.0.0.1', port, onread }),
  });
  ends.push(connection);
  return connection;
}

describe('a connection', () => {
  it('brings what is sent, in any cut, and its end', async () => {
    const heap = new Heap();
    const port = await serve((stream) => {
      stream.readWith(heap);
      stream.allow(2 ** 22);
    });
    const stream = client(port).call(REQUEST);
    const sent = Buffer.from(Array.from({ length: 3_000_001 }, (_, i) => (i * 7919) & 255));
    for (let at = 0; at < sent.length; at += 999_999) {
      stream.send([sent.subarray(at, at + 9), sent.subarray(at + 9, at + 999_999)], () => {});
    }
    stream.finishSending();
    await expect.poll(() => heap.end).toBe('ended');
    expect(Buffer.concat(heap.bytes).equals(sent)).toBe(true);
  });

  it('has the network write to where bytes belong, as soon as that is known', async () => {
    const whole = Buffer.alloc(2 ** 22);
    let [placed, end] = [0, ''];
    const sink: Sink = {
      place: (most) => whole.subarray(placed, placed + most),
      placed: (count) => (placed += count),
      receive: (data) => (placed += data.copy(whole, placed)),
      finish: (how) => (end = how),
    };
    const port = await serve((stream) => {
      stream.readWith(sink);
      stream.allow(2 ** 22);
    });
    const stream = client(port).call(REQUEST);
    const sent = Buffer.alloc(whole.length, 'captrain');
    stream.send([sent], () => {});
    stream.finishSending();
    await expect.poll(() => end).toBe('ended');
    expect(whole.equals(sent)).toBe(true);
  });

  it('lets no more come than was allowed', async () => {
    const heap = new Heap();
    let served: CallStream | undefined;
    const port = await serve((stream) => (served = stream).readWith(heap));
    const stream = client(port).call(REQUEST);
    const sent: boolean[] = [];
    for (let i = 0; i < 4; i++) stream.send([Buffer.alloc(WINDOW)], (whole) => sent.push(whole));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sent).toEqual([true]);
    expect(heap.length).toBe(WINDOW);
    served!.allow(3 * WINDOW);
    await expect.poll(() => heap.length).toBe(4 * WINDOW);
  });

  it('gives back the memory of what was not sent when a call is reset, and goes on with others', async () => {
    const heaps: Heap[] = [];
    const port = await serve((stream) => {
      heaps.push(new Heap());
      stream.readWith(heaps.at(-1)!);
    });
    const connection = client(port);
    const stream = connection.call(REQUEST);
    const sent: boolean[] = [];
    for (let i = 0; i < 3; i++) stream.send([Buffer.alloc(WINDOW)], (whole) => sent.push(whole));
    stream.reset();
    await expect.poll(() => sent.length).toBe(3);
    expect(sent).toContain(false);
    await expect.poll(() => heaps[0]?.end).toBe('broken');
    const next = connection.call(REQUEST);
    expect(await new Promise((resolve) => next.send([Buffer.alloc(WINDOW)], resolve))).toBe(true);
    await expect.poll(() => heaps[1]!.length).toBe(WINDOW);
  });

  it('tells every call that it has ended', async () => {
    const port = await serve((stream) => stream.readWith(new Heap()));
    const connection = client(port);
    const stream = connection.call(REQUEST);
    const closed = new Promise((resolve) => (stream.owner = { closed: resolve }));
    connection.destroy(new Error('the cable is cut'));
    expect(await closed).toBe('the cable is cut');
    expect(connection.isUsable).toBe(false);
  });
});

describe('a server of calls ends the connection of who', () => {
  const hello = Buffer.concat([PREFACE, settingsFrame([[Setting.captrain, 1]])]);
  const headers = frame(FrameType.headers, Flag.endHeaders, 1, encodeHeaders(REQUEST));

  it.each([
    ['sends more than the window', [headers, frame(FrameType.data, 0, 1, Buffer.alloc(WINDOW + 1))]],
    ['announces a frame that is too long', [Buffer.from('ffffff000000000001', 'hex')]],
    ['sends headers that are none', [frame(FrameType.headers, Flag.endHeaders, 1, Buffer.of(0xff, 0xff))]],
    ['cuts headers', [frame(FrameType.headers, 0, 1, encodeHeaders(REQUEST))]],
    ['makes a window wider by nothing', [numberFrame(FrameType.windowUpdate, 0, 0)]],
    ['makes a window too wide', [numberFrame(FrameType.windowUpdate, 0, 2 ** 31 - 1)]],
    ['sends a frame that is too short', [frame(FrameType.windowUpdate, 0, 0, Buffer.of(1))]],
  ])('%s', async (_, frames) => {
    const heap = new Heap();
    const port = await serve((stream) => stream.readWith(heap));
    const socket: Socket = connect({ host: '127.0.0.1', port });
    ends.push(socket);
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume().write(Buffer.concat([hello, ...frames]));
    await closed;
    expect(heap.end ?? 'broken').toBe('broken');
  });
});

it('other clients’ connections are not taken', () => {
  expect(isOwn(PREFACE)).toBeUndefined();
  expect(isOwn(Buffer.concat([PREFACE, settingsFrame([[Setting.initialWindowSize, 1]])]))).toBe(false);
  expect(isOwn(Buffer.concat([PREFACE, settingsFrame([])]))).toBe(false);
  expect(isOwn(Buffer.from('GET / HTTP/1.1\r\n'))).toBe(false);
});
