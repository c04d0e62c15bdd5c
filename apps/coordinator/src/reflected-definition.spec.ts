import { loadPackageDefinition } from '@captrain/protos';
import { protoPath } from 'grpc-health-check';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { expect, test } from 'vitest';
import { reflectedDefinition } from './reflected-definition.js';

test('map fields are reflected with entries named as protoc names them', () => {
  const definition = reflectedDefinition(loadPackageDefinition(protoPath), ['captrain.v1.Training']);
  const welcome = definition['captrain.v1.Welcome'] as unknown as { fileDescriptorProtos: Buffer[] };
  const files = welcome.fileDescriptorProtos.map(
    (file) => descriptor.FileDescriptorProto.decode(file) as unknown as descriptor.IFileDescriptorProto,
  );
  const message = files.flatMap((file) => file.messageType ?? []).find(({ name }) => name === 'Welcome')!;
  const field = message.field!.find(({ name }) => name === 'checkpointDigests')!;
  expect(field.typeName).toBe('CheckpointDigestsEntry');
  expect(message.nestedType!.map(({ name }) => name)).toEqual(['CheckpointDigestsEntry']);
  expect(files.flatMap((file) => file.service ?? []).map(({ name }) => name)).toEqual(['Training']);
});
