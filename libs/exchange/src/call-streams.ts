import type { Readable, Writable } from 'node:stream';
import { status } from '@grpc/grpc-js';
import type { ChunkMessage, GradientChunk } from '@captrain/protos';

/** The server's end of a Reduce call. */
export type ReduceCall = Readable & Writable & { readonly cancelled: boolean };

/**
 * The chunks that a call receives, in order. Node's streams of objects read 16 of them ahead, 64 MiB for each call; this
 * one reads one ahead, and the sender waits by flow control.
 */
export function receivedChunks(call: Readable): AsyncIterator<GradientChunk, undefined> {
  const { _readableState: state } = call as unknown as { _readableState: { highWaterMark: number } };
  state.highWaterMark = 1;
  return call[Symbol.asyncIterator]() as AsyncIterator<GradientChunk, undefined>;
}

/**
 * Sends a chunk. Resolves when it has been handed to the network, and its memory may be used again; never where the call
 * ends before.
 */
export function sendChunk(call: Writable, chunk: ChunkMessage | GradientChunk): Promise<void> {
  return new Promise((resolve) => {
    call.write(chunk, (error) => {
      if (!error) resolve();
    });
  });
}

/** Ends a call with FAILED_PRECONDITION and a sentence. */
export function refuseCall(call: ReduceCall, reason: string): void {
  if (!call.writableEnded && !call.destroyed) {
    call.emit('error', { code: status.FAILED_PRECONDITION, details: reason });
  }
}

/** A promise that nothing settles: the answer of a peer that has gone. */
export function never<Result>(): Promise<Result> {
  return new Promise(() => {});
}
