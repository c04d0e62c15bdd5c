import type { Writable } from 'node:stream';
import type { ChunkMessage } from '@captrain/protos';

/**
 * Writes a message to an HTTP/2 stream. Resolves when its memory may be used again: the network has it; never where the
 * stream ends before.
 */
export function sendFramed(stream: Writable, message: ChunkMessage): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) return;
    stream.write(message.framed, (error) => {
      if (!error) resolve();
    });
  });
}

/** A promise that nothing settles: the answer of a peer that has gone. */
export function never<Result>(): Promise<Result> {
  return new Promise(() => {});
}
