import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import grpc, { type ClientDuplexStream, type ServerDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { channelOptions } from '@captrain/protos';

/** Makes of a message what goes on in its place. */
export type Change = (bytes: Buffer) => Buffer | Promise<Buffer>;

/** What becomes of a method's messages and of the status that its calls end with. */
export interface RelayedMethod {
  readonly up?: Change;
  readonly down?: Change;
  readonly failed?: (details: string) => void;
}

const asBytes = (bytes: Buffer): Buffer => bytes;
const asIs: Change = (bytes) => bytes;

/** Passes calls of streams on to a gRPC server, message by message, as they are or changed. */
export class Relay {
  private constructor(
    private readonly server: grpc.Server,
    private readonly client: grpc.Client,
    /** HOST:PORT. */
    readonly address: string,
  ) {}

  /** `target` is the server's HOST:PORT; methods are named by their paths. */
  static async listen(target: string, methods: Readonly<Record<string, RelayedMethod>>): Promise<Relay> {
    const server = new grpc.Server(channelOptions);
    const client = new grpc.Client(target, grpc.credentials.createInsecure(), channelOptions);
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const relay = new Relay(server, client, `127.0.0.1:${port}`);
    const raw = {
      ...{
        requestStream: true,
        responseStream: true,
        requestSerialize: asBytes,
        requestDeserialize: asBytes,
      },
      ...{ responseSerialize: asBytes, responseDeserialize: asBytes },
    } as const;
    for (const [path, method] of Object.entries(methods))
      server.addService(
        { [path]: { path, ...raw } },
        { [path]: (call: Call) => relay.forward(path, call, method) },
      );
    return relay;
  }

  close(): void {
    this.server.forceShutdown();
    this.client.close();
  }

  private forward(path: string, near: Call, { up = asIs, down = asIs, failed }: RelayedMethod): void {
    const far: ClientDuplexStream<Buffer, Buffer> = this.client.makeBidiStreamRequest(path, asBytes, asBytes);
    void pump(near, far, up);
    void pump(far, near, down);
    far.on('error', ({ code, details }: ServiceError) => {
      if (code === grpc.status.CANCELLED) return;
      failed?.(details);
      near.emit('error', { code, details });
    });
    near.on('cancelled', () => far.cancel());
  }
}

type Call = ServerDuplexStream<Buffer, Buffer>;

/** Moves messages on, no faster than they are taken. How a call ends otherwise than by its end is its owner's affair. */
async function pump(from: Readable, to: Writable, change: Change): Promise<void> {
  try {
    const messages: AsyncIterable<Buffer> = from.iterator({ destroyOnReturn: false });
    for await (const bytes of messages) if (!to.write(await change(bytes))) await once(to, 'drain');
    to.end();
  } catch {
    // It has broken off.
  }
}
