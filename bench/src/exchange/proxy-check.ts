import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { median } from '../median.js';
import { type Proxy, startProxy } from './proxy.js';

/** What the proxy itself can do: no measurement through it says more than that. */
export interface ProxyFigures {
  /** At least: this process is both ends of the connection. */
  bytesPerSecond: number;
  roundTripMs: number;
}

const PINGS = 100;

/** Bytes through the proxy without delay, and round trips of one byte with it. */
export async function checkProxy(
  { bytes, delay }: { bytes: number; delay: number },
  signal: AbortSignal,
): Promise<ProxyFigures> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  let proxy: Proxy | undefined;
  let near: Socket | undefined;
  try {
    proxy = await startProxy((server.address() as AddressInfo).port, signal);
    near = connect({ host: '127.0.0.1', port: proxy.port, noDelay: true });
    const [far] = await accepted;
    const bytesPerSecond = await throughput(near, far, bytes);
    await proxy.setDelay(delay);
    return { bytesPerSecond, roundTripMs: await roundTrip(near, far) };
  } finally {
    near?.destroy();
    proxy?.kill();
    server.close();
  }
}

async function throughput(near: Socket, far: Socket, bytes: number): Promise<number> {
  const piece = Buffer.alloc(1 << 20);
  let received = 0;
  const all = new Promise<void>((resolve) => {
    far.on('data', ({ length }: Buffer) => {
      received += length;
      if (received >= bytes) resolve();
    });
  });
  const started = performance.now();
  for (let sent = 0; sent < bytes; sent += piece.length) if (!near.write(piece)) await once(near, 'drain');
  await all;
  far.removeAllListeners('data');
  return (received * 1000) / (performance.now() - started);
}

async function roundTrip(near: Socket, far: Socket): Promise<number> {
  far.on('data', (piece: Buffer) => far.write(piece));
  near.resume();
  const times: number[] = [];
  for (let ping = 0; ping < PINGS; ping++) {
    const started = performance.now();
    near.write('.');
    await once(near, 'data');
    times.push(performance.now() - started);
  }
  return median(times);
}
