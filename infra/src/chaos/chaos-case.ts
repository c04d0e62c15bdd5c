import type { Minio } from '@captrain/data/testing';
import type { ByteProxy } from './byte-proxy.js';
import type { Cluster } from './cluster.js';
import type { NamespacedNetwork } from './namespaces.js';
import type { Training } from './variants.js';

/** What a machine may lack. A case that needs it is left out there, and said to be. */
export type Need = 'namespaces' | 'minio' | 'mounts' | 'limits' | 'hostNames';

/** What a case works with, beside its cluster. All of it is ended by the runner. */
export interface Stage {
  readonly cluster: Cluster;
  /** Folder of the case. */
  readonly folder: string;
  /** URI of the run. */
  readonly run: string;
  /** A byte proxy in front of a port of this machine. */
  proxy(port: number): Promise<ByteProxy>;
  /** Folder of a run that was killed at step 12, with checkpoints of steps 4 and 8; not to be changed. */
  interrupted(): Promise<string>;
  /** The network of a case that needs namespaces. */
  readonly network: NamespacedNetwork;
  /** The store of a case that needs MinIO. */
  readonly minio: Minio;
  /** Puts on record that something did not go as it should; the case goes on. */
  complain(sentence: string): void;
  /** Has something done at the case's end, whatever happens. */
  atEnd(clean: () => Promise<void> | void): void;
}

/** A run to which something is done. In the end it is compared with one that was left alone. */
export interface ChaosCase {
  readonly name: string;
  /** What is done, for people. */
  readonly did: string;
  readonly training?: Partial<Training>;
  /** More flags of the coordinator. */
  readonly flags?: readonly string[];
  /** Workers that the coordinator waits for before the first step; 2 unless given. */
  readonly workers?: number;
  readonly needs?: Need;
  /** Its workers combine their gradients through shared memory; otherwise each is as on a machine of its own. */
  readonly neighbours?: boolean;
  /** Its workers are on so many hosts, in turn, as far as they know; on one where the machine does not allow that. */
  readonly hosts?: number;
  /** Its faults may cost a checkpoint other than the last, so that the best one is another than without them. */
  readonly mayLackCheckpoints?: boolean;
  /** Until it has failed; 180 unless given. */
  readonly mostSeconds?: number;
  /** Part of the short form. */
  readonly short?: boolean;
  /** Starts the processes and does something to them. The runner waits for the run's end. */
  act(stage: Stage): Promise<void>;
}
