import grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { decodeGradientChunk, encodeGradientChunk } from './gradient-chunk.js';
import { loadPackageDefinition } from './services.js';

const definition = grpc.loadPackageDefinition(loadPackageDefinition()) as unknown as {
  captrain: { v1: { Training: grpc.ServiceClientConstructor } };
};
const loaderMethod = definition.captrain.v1.Training.service.Reduce!;

const chunk = {
  generation: 7 * 2 ** 20 + 1,
  step: 2 ** 40 + 3,
  worker: 3,
  firstMicrobatch: 4,
  microbatches: 2,
  offset: 12,
  total: 155_900_000,
  format: 'bfloat16' as const,
  checksum: 0xdeadbeef,
  receives: true,
  values: new Uint8Array(new Float32Array([1.5, -0, 3e38, Number.NaN]).buffer),
};

describe('a gradient chunk serialised by hand', () => {
  it('is read by the proto-loader of any other client as the same message', () => {
    const message = loaderMethod.requestDeserialize(encodeGradientChunk(chunk)) as typeof chunk;
    expect({ ...message, values: [...message.values] }).toEqual({
      ...chunk,
      format: 'WIRE_FORMAT_BFLOAT16',
      values: [...chunk.values],
    });
  });

  it('reads what any other client serialises, zeros left out', () => {
    const sent = { ...chunk, generation: 0, firstMicrobatch: 0, offset: 0 };
    const format = 'WIRE_FORMAT_BFLOAT16';
    const read = decodeGradientChunk(loaderMethod.requestSerialize({ ...sent, format }));
    expect({ ...read, values: [...read.values] }).toEqual({ ...sent, values: [...sent.values] });
  });

  it('refuses bytes that end too early', () => {
    const bytes = encodeGradientChunk(chunk);
    expect(() => decodeGradientChunk(bytes.subarray(0, bytes.length - 3))).toThrow(RangeError);
  });
});
