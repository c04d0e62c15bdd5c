import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { decodeGradientChunk, encodeGradientChunk } from './gradient-chunk.js';
import type { ProtoGrpcType as StatusTypes } from './generated/status.js';
import type { ProtoGrpcType as TrainingTypes } from './generated/training.js';

/** Raised with every change of captrain/v1 that an older peer would misread. */
export const PROTOCOL_VERSION = 2;

const root = fileURLToPath(new URL('..', import.meta.url));
const named = JSON.parse(readFileSync(`${root}/loader-options.json`, 'utf8')) as object;
/** The generator of types takes these two by name, the loader as constructors. */
const options: protoLoader.Options = { ...named, longs: Number, enums: String };

/** Everything that the coordinator serves, as gRPC reflection wants it. `others` are paths of more .proto files. */
export function loadPackageDefinition(...others: string[]): protoLoader.PackageDefinition {
  const files = ['captrain/v1/training.proto', 'captrain/v1/status.proto', ...others];
  return protoLoader.loadSync(files, { ...options, includeDirs: [root] });
}

const { captrain } = grpc.loadPackageDefinition(loadPackageDefinition()) as unknown as TrainingTypes &
  StatusTypes;

const { service } = captrain.v1.Training;

/** captrain.v1.Training, its gradient chunks serialised without an object per value. */
export const trainingService: typeof service = {
  ...service,
  PushGradient: {
    ...service.PushGradient,
    requestSerialize: encodeGradientChunk as typeof service.PushGradient.requestSerialize,
    requestDeserialize: decodeGradientChunk as typeof service.PushGradient.requestDeserialize,
  },
  PullGradient: {
    ...service.PullGradient,
    responseSerialize: encodeGradientChunk as typeof service.PullGradient.responseSerialize,
    responseDeserialize: decodeGradientChunk as typeof service.PullGradient.responseDeserialize,
  },
};

export const TrainingClient = grpc.makeGenericClientConstructor(
  trainingService,
  'captrain.v1.Training',
) as unknown as typeof captrain.v1.Training;

export const statusService = captrain.v1.Status.service;
export const StatusClient = captrain.v1.Status;
