import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface LossyProxy {
  readonly endpoint: string;
  /** How many answers have been lost. */
  readonly lost: number;
  /** Loses the answers to the next `count` requests whose first line fits: they are carried out, and no one hears. */
  lose(count: number, fits: (requestLine: string) => boolean): void;
  close(): Promise<void>;
}

/** Passes connections on to an HTTP server, and cuts those whose answers are to be lost as soon as they come. */
export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const { hostname, port } = new URL(target);
  let [wanted, lost] = [0, 0];
  let fits: (requestLine: string) => boolean = () => false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let request = '';
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      const line = /^(GET|PUT|POST|HEAD|DELETE) [^\r\n]*/.exec(chunk.toString('latin1', 0, 2000))?.[0];
      if (line !== undefined) request = line;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (wanted > 0 && fits(request)) {
        [wanted, lost] = [wanted - 1, lost + 1];
        client.destroy();
      } else client.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    lose(count, test) {
      wanted = count;
      fits = test;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
