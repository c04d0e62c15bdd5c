import type { ObjectStore } from '@captrain/data/store';
import type { Logger } from '@captrain/runtime';
import type { Validation, ValidationChoice } from '@captrain/model/run';
import type { Ready } from '@captrain/protos';
import type { Checkpoints } from './checkpoints/checkpoints.js';
import type { StorePatience } from './log/store-patience.js';
import type { Crew } from './membership/crew.js';
import type { Member } from './membership/member.js';
import type { RunLog } from './log/run-log.js';
import type { RunRecord } from './run-record.js';
import type { StatusBoard } from './status-board.js';
import type { ReplicaWatch } from './membership/replica-watch.js';
import type { LocalGroups } from './step/local-groups.js';
import type { Pace } from './step/pace.js';
import type { ReduceHere } from './step/reduce-here.js';
import type { Reduction } from './step/reduction.js';

/** What training a run takes: everything that lasts from its first step to its last. */
export interface Run {
  readonly record: RunRecord;
  readonly store: ObjectStore;
  /** Captions of the training split. */
  readonly captions: number;
  /** SHA-256 of the data's manifest. */
  readonly dataDigest: string;
  readonly crew: Crew;
  readonly pace: Pace<Member>;
  readonly reduction: Reduction;
  /** Adds up what is in doubt. */
  readonly here: ReduceHere;
  readonly groups: LocalGroups;
  readonly board: StatusBoard;
  readonly runLog: RunLog;
  readonly log: Logger;
  readonly replicas: ReplicaWatch;
  readonly leaseSeconds: number;
  /** Whether workers report the captions of every microbatch, for ledger.jsonl. */
  readonly keepsLedger: boolean;
  /** Seconds to wait for workers where none is left. */
  readonly workerPatience: number;
  /** Steps in a row with a gradient that is not finite, until the run is given up. */
  readonly skipLimit: number;
  readonly checkpoints: Checkpoints;
  /** What checkpoints are validated on, if on anything. */
  readonly validationChoice: ValidationChoice | undefined;
  /** What came of the last validation, until there is another step; without a result where the loss was not finite. */
  lastValidation: { readonly step: number; readonly result: Validation | undefined } | undefined;
  readonly patience: StorePatience;
  /** What the model is, by the first worker that had loaded it. */
  layout: Ready | undefined;
  /** Whether a first step was begun, by this coordinator or one before. */
  hasStarted: boolean;
  /** How many times slower than the others a straggler is. */
  readonly stragglerFactor: number;
}
