import { hold } from '@captrain/engine/sums';
import type { ChunkMessage } from '@captrain/protos';
import type { CallStream } from './http2/call-stream.js';

/**
 * Sends a message in a call, its values from where they stand. Resolves when its memory may be used again: the network has
 * it; never where the call ends before.
 */
export function sendMessage(stream: CallStream, { header, values }: ChunkMessage): Promise<void> {
  return new Promise((resolve) => {
    const release = hold([values]);
    stream.send([header, values], (sent) => {
      release();
      if (sent) resolve();
    });
  });
}

/** A promise that nothing settles: the answer of a peer that has gone. */
export function never<Result>(): Promise<Result> {
  return new Promise(() => {});
}
