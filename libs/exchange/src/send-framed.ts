import type { Writable } from 'node:stream';
import { hold } from '@captrain/engine/sums';
import type { ChunkMessage } from '@captrain/protos';

/**
 * Writes a message to an HTTP/2 stream, its values from where they stand. Resolves when its memory may be used again: the
 * network has it; never where the stream ends before.
 */
export function sendFramed(stream: Writable, { header, values }: ChunkMessage): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) return;
    const release = hold([values]);
    stream.once('close', release);
    const written = (error?: Error | null) => {
      stream.off('close', release);
      release();
      if (!error) resolve();
    };
    stream.cork();
    stream.write(header, values.length === 0 ? written : undefined);
    if (values.length > 0) stream.write(values, written);
    stream.uncork();
  });
}

/** A promise that nothing settles: the answer of a peer that has gone. */
export function never<Result>(): Promise<Result> {
  return new Promise(() => {});
}
