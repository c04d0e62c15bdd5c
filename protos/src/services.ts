import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { decodeGradientChunk, encodeGradientChunk } from './gradient-chunk.js';
import type { ProtoGrpcType as StatusTypes } from './generated/status.js';
import type { ProtoGrpcType as TrainingTypes } from './generated/training.js';

/** Raised with every change of captrain/v1 that an older peer would misread. */
export const PROTOCOL_VERSION = 4;

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

/** Gradient chunks without an object per value; the cast is to what the generator declares. */
function inChunks<Method>(method: Method): Method {
  return {
    ...method,
    requestSerialize: encodeGradientChunk,
    requestDeserialize: decodeGradientChunk,
    responseSerialize: encodeGradientChunk,
    responseDeserialize: decodeGradientChunk,
  };
}

/** captrain.v1.Training, which the coordinator serves. */
export const trainingService = {
  ...captrain.v1.Training.service,
  Reduce: inChunks(captrain.v1.Training.service.Reduce),
};

export const TrainingClient = grpc.makeGenericClientConstructor(
  trainingService,
  'captrain.v1.Training',
) as unknown as typeof captrain.v1.Training;

/** captrain.v1.Peer, which workers serve. */
export const peerService = { ...captrain.v1.Peer.service, Reduce: inChunks(captrain.v1.Peer.service.Reduce) };

export const PeerClient = grpc.makeGenericClientConstructor(
  peerService,
  'captrain.v1.Peer',
) as unknown as typeof captrain.v1.Peer;

export const statusService = captrain.v1.Status.service;
export const StatusClient = captrain.v1.Status;

/** Of both services' Reduce. */
export const reducePaths: readonly string[] = [trainingService.Reduce.path, peerService.Reduce.path];
