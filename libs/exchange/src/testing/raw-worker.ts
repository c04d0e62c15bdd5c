import { crc32c, type WireFormat } from '@captrain/engine/sums';
import { type ChunkHeader, ChunkMessage } from '@captrain/protos';
import type { OutgoingCall } from '../outgoing-call.js';

/** A chunk of float32 values as an honest worker would send it, but for what `header` says otherwise. */
export function chunkOf(values: Float32Array, header: Partial<ChunkHeader>): ChunkMessage {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return new ChunkMessage(bytes.slice()).seal({
    generation: 7,
    step: 3,
    worker: 1,
    firstMicrobatch: 0,
    microbatches: 0,
    offset: 0,
    total: 0,
    format: 'float32' satisfies WireFormat,
    checksum: crc32c(bytes),
    receives: false,
    ...header,
  });
}

/** A message of gRPC whose bytes are no chunk. */
export function garbage(): ChunkMessage {
  const header = Buffer.alloc(100, 0xff);
  header.writeUint8(0);
  header.writeUint32BE(95, 1);
  return { header, values: new Uint8Array() } as unknown as ChunkMessage;
}

/** Begins a call as a worker does. */
export function sayHello(call: OutgoingCall, header: Partial<ChunkHeader> = {}): void {
  void call.send(chunkOf(new Float32Array(0), header));
}
