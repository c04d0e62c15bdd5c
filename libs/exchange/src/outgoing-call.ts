import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  constants,
} from 'node:http2';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ChunkMessage } from '@captrain/protos';
import { messageOf } from '@captrain/runtime';
import { ChunkReader } from './chunk-reader.js';
import type { MessagePool } from './message-pool.js';
import { sendFramed } from './send-framed.js';

/**
 * The client's end of a Reduce call: gRPC over HTTP/2 as any server of it understands, without grpc-js, which would copy
 * every message into new memory.
 */
export class OutgoingCall {
  readonly chunks: ChunkReader;
  /** Resolves when the reducer has ended the call well; rejects with a ServiceError. */
  readonly ended: Promise<void>;
  private readonly stream: ClientHttp2Stream;
  private outcome: { code: number; details: string } | undefined;

  constructor(session: ClientHttp2Session, path: string, pool: MessagePool) {
    this.stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.chunks = new ChunkReader(this.stream, pool);
    this.ended = this.untilEnded();
    this.ended.catch(() => {});
  }

  /** Resolves when the message's memory may be used again; never where the call ends before. */
  send(message: ChunkMessage): Promise<void> {
    return sendFramed(this.stream, message);
  }

  /** Nothing more will be sent. */
  finishSending(): void {
    this.stream.end();
  }

  cancel(): void {
    this.outcome ??= { code: status.CANCELLED, details: 'cancelled by the caller' };
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  private async untilEnded(): Promise<void> {
    const { stream } = this;
    let fault: unknown;
    stream.on('response', (headers) => this.readStatus(headers));
    stream.on('trailers', (headers) => this.readStatus(headers));
    stream.on('error', (error) => (fault = error));
    await new Promise<void>((resolve) => stream.on('close', resolve));
    const why = fault === undefined ? 'the connection ended' : messageOf(fault);
    const { code, details } = this.outcome ?? { code: status.UNAVAILABLE, details: why };
    if (code !== status.OK) throw serviceError(code, details);
  }

  private readStatus(headers: IncomingHttpHeaders): void {
    const code = headers['grpc-status'];
    const http = (headers as Record<string, unknown>)[constants.HTTP2_HEADER_STATUS];
    if (typeof code === 'string') {
      this.outcome ??= { code: Number(code), details: decoded(headers['grpc-message']) };
    } else if (http !== undefined && http !== constants.HTTP_STATUS_OK) {
      this.outcome ??= {
        code: status.UNAVAILABLE,
        details: `not a gRPC server: HTTP status ${String(http)}`,
      };
    }
    // What was being sent is of no use any more.
    if (this.outcome !== undefined && this.outcome.code !== status.OK) {
      this.stream.close(constants.NGHTTP2_CANCEL);
    }
  }
}

/** gRPC escapes its messages as URIs are. */
function decoded(message: unknown): string {
  try {
    return decodeURIComponent(String(message ?? ''));
  } catch {
    return String(message);
  }
}

function serviceError(code: number, details: string): ServiceError {
  const error = new Error(`${code} ${status[code]}: ${details}`);
  return Object.assign(error, { code, details, metadata: new Metadata() });
}
