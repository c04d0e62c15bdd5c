import type { Socket } from 'node:net';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { type Diversion, type GradientChunk, reducePaths } from '@captrain/protos';
import { AnyClientsCall } from './any-clients-call.js';
import { accept, isOwn } from './http2/accept.js';
import type { CallStream } from './http2/call-stream.js';
import { type ServedCall, WorkersCall } from './served-call.js';

/** Serves Reduce of captrain.v1.Training or captrain.v1.Peer, with createServer(). */
export class ReduceService implements Diversion {
  readonly claims = isOwn;

  constructor(private readonly handle: (call: ServedCall) => void) {}

  /** The handler of the method: for clients that are none of captrain's. */
  readonly Reduce = (call: unknown): void => {
    this.handle(new AnyClientsCall(call as ServerDuplexStream<GradientChunk, GradientChunk>));
  };

  /** A worker's connection is for nothing but calls of Reduce. */
  take(socket: Socket, head: Buffer): Socket {
    return accept(socket, head, (stream, path) => this.serve(stream, path)).socket;
  }

  private serve(stream: CallStream, path: string): void {
    const call = new WorkersCall(stream);
    if (reducePaths.includes(path)) this.handle(call);
    else call.fail(status.UNIMPLEMENTED, `${path} is not served over this connection.`);
  }
}
