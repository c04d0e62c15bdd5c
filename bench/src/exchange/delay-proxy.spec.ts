import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DelayProxy } from './delay-proxy.js';

describe('a delaying proxy', () => {
  const server = createServer({ allowHalfOpen: true });
  let proxy: DelayProxy;
  let near: Socket;
  let far: Socket;

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await DelayProxy.listen((server.address() as AddressInfo).port);
    near = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
    [far] = (await once(server, 'connection')) as [Socket];
  });

  afterEach(() => {
    near.destroy();
    proxy.close();
    server.close();
  });

  it('passes every byte on in order, both ways at once, though the receivers are slow at first', async () => {
    proxy.delay = 1;
    const up = randomBytes(100_000_000);
    const down = randomBytes(30_000_000);
    near.end(up);
    far.end(down);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [atFar, atNear] = await Promise.all([all(far), all(near)]);
    expect(atFar.equals(up)).toBe(true);
    expect(atNear.equals(down)).toBe(true);
  });

  it('lets bytes wait so long in either direction', async () => {
    far.on('data', (piece: Buffer) => far.write(piece));
    for (const delay of [0, 20]) {
      proxy.delay = delay;
      const started = performance.now();
      near.write('ping');
      await once(near, 'data');
      const roundTrip = performance.now() - started;
      expect(roundTrip).toBeGreaterThan(2 * delay - 1);
      expect(roundTrip).toBeLessThan(2 * delay + 15);
    }
  });

  it('breaks a connection on one side when it breaks on the other', async () => {
    far.resume();
    const broken = once(far, 'close');
    near.resetAndDestroy();
    await expect(broken).rejects.toThrow('ECONNRESET');
  });
});

/** All that a socket receives; the socket stays open for what it has to send. */
async function all(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await once(socket, 'end');
  return Buffer.concat(pieces);
}
