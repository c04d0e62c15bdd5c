import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  type ChunkMessage,
  FRAME_PREFIX_BYTES,
  type GradientChunk,
  decodeGradientChunk,
} from '@captrain/protos';
import type { ChunkSource, ReceivedChunk } from './chunk-reader.js';
import type { ServedCall } from './served-call.js';

/** The call of any other gRPC client than a captrain: grpc-js reads and writes its messages, and copies each. */
export class AnyClientsCall implements ServedCall {
  constructor(private readonly call: ServerDuplexStream<GradientChunk, GradientChunk>) {}

  get isOver(): boolean {
    return this.call.cancelled || this.call.destroyed || this.call.writableEnded;
  }

  receive(): ChunkSource {
    const chunks = this.call.iterator({ destroyOnReturn: false }) as AsyncIterator<GradientChunk>;
    return {
      // grpc-js holds a few of them ready, and the sender back by its windows.
      expect: () => {},
      next: async () => {
        const { done, value } = await chunks.next();
        if (this.call.cancelled) throw new Error('the call has broken off');
        return done ? undefined : ({ ...value, release: () => {} } satisfies ReceivedChunk);
      },
    };
  }

  send({ header, values }: ChunkMessage): Promise<void> {
    const chunk = decodeGradientChunk(Buffer.concat([header.subarray(FRAME_PREFIX_BYTES), values]));
    return new Promise((resolve) => {
      this.call.write(chunk, () => {
        if (!this.isOver) resolve();
      });
    });
  }

  end(): void {
    if (!this.isOver) this.call.end();
  }

  refuse(reason: string): void {
    if (!this.isOver) this.call.emit('error', { code: status.FAILED_PRECONDITION, details: reason });
  }
}
