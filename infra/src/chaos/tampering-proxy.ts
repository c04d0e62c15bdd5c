import type { Readable, Writable } from 'node:stream';
import grpc, { type ClientDuplexStream, type ServerDuplexStream, type ServiceError } from '@grpc/grpc-js';
import {
  type CoordinatorMessage__Output as CoordinatorMessage,
  type GradientChunk,
  type WorkerMessage__Output as WorkerMessage,
  channelOptions,
  decodeGradientChunk,
  encodeGradientChunk,
  trainingService,
} from '@captrain/protos';

/** What becomes of what a worker sends. */
export interface Tampering {
  control?(message: WorkerMessage): WorkerMessage;
  chunk?(chunk: GradientChunk): GradientChunk;
}

const asBytes = (bytes: Buffer): Buffer => bytes;
const path = (method: string) => `/captrain.v1.Training/${method}`;

/**
 * Stands between one worker and the coordinator, and changes what the worker sends: a hostile worker, made of an honest
 * one. It keeps what the coordinator answers. The worker passes for one on a machine of its own, so all its gradients
 * come through here.
 */
export class TamperingProxy {
  /** Why the coordinator refused what came: by a message, or as a call's status. */
  readonly refusals: string[] = [];
  /** What the worker was told when it was to stop for good. */
  fenced: string | undefined;

  private constructor(
    private readonly server: grpc.Server,
    private readonly client: grpc.Client,
    readonly address: string,
    private readonly tampering: Tampering,
  ) {}

  /** `target` is the coordinator's HOST:PORT. */
  static async listen(target: string, tampering: Tampering): Promise<TamperingProxy> {
    const server = new grpc.Server(channelOptions);
    const client = new grpc.Client(target, grpc.credentials.createInsecure(), channelOptions);
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const proxy = new TamperingProxy(server, client, `127.0.0.1:${port}`, tampering);
    const method = { requestStream: true, responseStream: true, requestSerialize: asBytes } as const;
    const raw = {
      ...method,
      requestDeserialize: asBytes,
      responseSerialize: asBytes,
      responseDeserialize: asBytes,
    };
    server.addService(
      { Work: { path: path('Work'), ...raw }, Reduce: { path: path('Reduce'), ...raw } },
      {
        Work: (call: Call) => proxy.forward('Work', call, (bytes) => proxy.changeControl(bytes)),
        Reduce: (call: Call) => proxy.forward('Reduce', call, (bytes) => proxy.changeChunk(bytes)),
      },
    );
    return proxy;
  }

  close(): void {
    this.server.forceShutdown();
    this.client.close();
  }

  private changeControl(bytes: Buffer): Buffer {
    const { requestDeserialize, requestSerialize } = trainingService.Work;
    const message = requestDeserialize(bytes);
    if (message.hello) message.hello.host = `behind ${this.address}`;
    return requestSerialize(this.tampering.control?.(message) ?? message);
  }

  private changeChunk(bytes: Buffer): Buffer {
    const chunk = decodeGradientChunk(bytes);
    return encodeGradientChunk(this.tampering.chunk?.(chunk) ?? chunk);
  }

  private hear({ refused, stop }: CoordinatorMessage): void {
    if (refused) this.refusals.push(refused.reason);
    if (stop?.final) this.fenced = stop.reason;
  }

  private forward(method: 'Work' | 'Reduce', near: Call, change: (bytes: Buffer) => Buffer): void {
    const far: ClientDuplexStream<Buffer, Buffer> = this.client.makeBidiStreamRequest(
      path(method),
      asBytes,
      asBytes,
    );
    pump(near, far, change);
    pump(far, near, (bytes) => {
      if (method === 'Work') this.hear(trainingService.Work.responseDeserialize(bytes));
      return bytes;
    });
    far.on('error', ({ code, details }: ServiceError) => {
      if (code === grpc.status.CANCELLED) return;
      if (method === 'Reduce') this.refusals.push(details);
      near.emit('error', { code, details });
    });
    near.on('cancelled', () => far.cancel());
  }
}

type Call = ServerDuplexStream<Buffer, Buffer>;

/** Moves messages on, no faster than they are taken. How a call ends otherwise than by its end is its owner's affair. */
function pump(from: Readable, to: Writable, change: (bytes: Buffer) => Buffer): void {
  from.on('data', (bytes: Buffer) => {
    if (to.write(change(bytes))) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.once('end', () => to.end());
}
