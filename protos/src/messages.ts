export type { CheckpointFile__Output as CheckpointFile } from './generated/captrain/v1/CheckpointFile.js';
export type { CheckpointWritten__Output as CheckpointWritten } from './generated/captrain/v1/CheckpointWritten.js';
export type { Compute__Output as Compute } from './generated/captrain/v1/Compute.js';
export type { Computed__Output as Computed } from './generated/captrain/v1/Computed.js';
export type { Contribution__Output as Contribution } from './generated/captrain/v1/Contribution.js';
export type {
  CoordinatorMessage,
  CoordinatorMessage__Output,
} from './generated/captrain/v1/CoordinatorMessage.js';
export type { ExchangeFailed__Output as ExchangeFailed } from './generated/captrain/v1/ExchangeFailed.js';
export type { Exchanged__Output as Exchanged } from './generated/captrain/v1/Exchanged.js';
export type { Fetch__Output as Fetch } from './generated/captrain/v1/Fetch.js';
export type { FetchStateRequest__Output as FetchStateRequest } from './generated/captrain/v1/FetchStateRequest.js';
export type { Hello__Output as Hello } from './generated/captrain/v1/Hello.js';
export type { Holding__Output as Holding } from './generated/captrain/v1/Holding.js';
export type { OutOfMemory__Output as OutOfMemory } from './generated/captrain/v1/OutOfMemory.js';
export type { PeerHandlers } from './generated/captrain/v1/Peer.js';
export type { Plan__Output as Plan } from './generated/captrain/v1/Plan.js';
export type { Ready__Output as Ready } from './generated/captrain/v1/Ready.js';
export type { Reducer__Output as Reducer } from './generated/captrain/v1/Reducer.js';
export type { RunState__Output as RunState } from './generated/captrain/v1/RunState.js';
export type { RunStatus, RunStatus__Output } from './generated/captrain/v1/RunStatus.js';
export type { StateChunk, StateChunk__Output } from './generated/captrain/v1/StateChunk.js';
export type { StateProvided__Output as StateProvided } from './generated/captrain/v1/StateProvided.js';
export type { StatusHandlers } from './generated/captrain/v1/Status.js';
export type { Stop__Output as Stop } from './generated/captrain/v1/Stop.js';
export type { Subtree__Output as Subtree } from './generated/captrain/v1/Subtree.js';
export type { TrainingHandlers } from './generated/captrain/v1/Training.js';
export type { Update__Output as Update } from './generated/captrain/v1/Update.js';
export type { Updated__Output as Updated } from './generated/captrain/v1/Updated.js';
export type { Welcome__Output as Welcome } from './generated/captrain/v1/Welcome.js';
export type { WorkerMessage, WorkerMessage__Output } from './generated/captrain/v1/WorkerMessage.js';
export type { WorkerState__Output as WorkerState } from './generated/captrain/v1/WorkerState.js';
export type { WorkerStatus__Output as WorkerStatus } from './generated/captrain/v1/WorkerStatus.js';
export type { WriteCheckpoint__Output as WriteCheckpoint } from './generated/captrain/v1/WriteCheckpoint.js';
export type { PartRefused__Output as PartRefused } from './generated/captrain/v1/PartRefused.js';
