import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ChunkMessage } from '@captrain/protos';
import { ChunkReader } from './chunk-reader.js';
import type { CallStream } from './http2/call-stream.js';
import type { Headers } from './http2/header-block.js';
import type { MessagePool } from './message-pool.js';
import { sendMessage } from './send-message.js';

/** The client's end of a Reduce call: gRPC as any server of it understands. */
export class OutgoingCall {
  readonly chunks: ChunkReader;
  /** Resolves when the reducer has ended the call well; rejects with a ServiceError. */
  readonly ended: Promise<void>;
  private outcome: { code: number; details: string } | undefined;

  constructor(
    private readonly stream: CallStream,
    pool: MessagePool,
  ) {
    this.chunks = new ChunkReader(stream, pool);
    this.ended = new Promise((resolve, reject) => {
      stream.owner = {
        headers: (headers) => this.readStatus(headers),
        closed: (reason = 'the connection ended') => {
          const { code, details } = this.outcome ?? { code: status.UNAVAILABLE, details: reason };
          if (code === status.OK) resolve();
          else reject(serviceError(code, details));
        },
      };
    });
    this.ended.catch(() => {});
  }

  /** Resolves when the message's memory may be used again; never where the call ends before. */
  send(message: ChunkMessage): Promise<void> {
    return sendMessage(this.stream, message);
  }

  /** Nothing more will be sent. */
  finishSending(): void {
    this.stream.finishSending();
  }

  cancel(): void {
    this.outcome ??= { code: status.CANCELLED, details: 'cancelled by the caller' };
    this.stream.reset();
  }

  private readStatus(headers: Headers): void {
    const code = headers.get('grpc-status');
    const http = headers.get(':status');
    if (code !== undefined) {
      this.outcome ??= { code: Number(code), details: decoded(headers.get('grpc-message') ?? '') };
    } else if (http !== undefined && http !== '200') {
      this.outcome ??= { code: status.UNAVAILABLE, details: `not a gRPC server: HTTP status ${http}` };
      this.stream.reset();
    }
  }
}

/** gRPC escapes its messages as URIs are. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function serviceError(code: number, details: string): ServiceError {
  const error = new Error(`${code} ${status[code]}: ${details}`);
  return Object.assign(error, { code, details, metadata: new Metadata() });
}
