import { UserError } from '@captrain/runtime';
import type { PutBody } from './put-body.js';

/** The condition under which a put is done; without one it is always done. */
export interface PutCondition {
  /** Only over the version that has this etag. */
  readonly ifMatch?: string;
  /** `*`: only where there is no object yet. */
  readonly ifNoneMatch?: '*';
}

export interface ObjectStat {
  readonly bytes: number;
  /** Names this version of the object. Opaque: a digest of the content in a folder, anything at all in S3. */
  readonly etag: string;
}

/**
 * A flat space of immutable byte strings under paths such as `checkpoints/LATEST`. An object is either wholly
 * there or not at all: readers never see half a put. Every method rejects with `UserError` for what the user can
 * mend (no such bucket, refused credentials, full disk, unreachable server), after finite time.
 */
export interface ObjectStore {
  /** Where the store lies: an absolute folder, or `s3://bucket/prefix`; without a slash at the end. */
  readonly uri: string;
  /** The whole object. Throws `NotFoundError`. */
  get(path: string): Promise<Buffer>;
  /** Exactly `length` bytes from `offset`. Throws `NotFoundError`, and `UserError` where the object ends before. */
  getRange(path: string, offset: number, length: number): Promise<Buffer>;
  /** Writes or replaces. Throws `ConflictError` where the condition does not hold. */
  put(path: string, body: PutBody, condition?: PutCondition): Promise<{ etag: string }>;
  /** Size and version; undefined where there is no such object. */
  stat(path: string): Promise<ObjectStat | undefined>;
  /** Every object whose path begins with `prefix` (any string, as in S3), in the order of the paths' UTF-8 bytes. */
  list(prefix?: string): AsyncGenerator<{ path: string; bytes: number }>;
  /** Deletes; an object that is not there is no error. */
  delete(path: string): Promise<void>;
  /** Removes what writers that were killed have left half written; whoever still writes is left alone. */
  sweep(): Promise<void>;
  /** The store of everything below `path`. */
  child(path: string): ObjectStore;
}

/** There is no such object. */
export class NotFoundError extends UserError {
  constructor(
    readonly uri: string,
    options?: ErrorOptions,
  ) {
    super(`${uri} does not exist; check the path`, options);
  }
}

/** A put whose condition did not hold: someone else wrote the object, and theirs stands. */
export class ConflictError extends UserError {
  constructor(
    readonly uri: string,
    options?: ErrorOptions,
    message = `${uri} was written by another program in the meantime; make sure that only one writes there`,
  ) {
    super(message, options);
  }
}

/** Names that a folder store keeps for itself: files half written, and locks. */
export const reservedNamePrefix = '.captrain-';

/**
 * The path as it is, if it is relative, `/`-separated, and free of empty, `.` and `..` parts, so that nothing outside
 * the store can be named. Throws `UserError` otherwise: such paths come from manifests, which users write.
 */
export function checkedPath(path: string, storeUri: string): string {
  const bad = path.split('/').some((part) => part === '' || part === '.' || part === '..');
  const reserved = path.split('/').some((part) => part.startsWith(reservedNamePrefix));
  if (bad || reserved || path.includes('\\') || path.includes('\0'))
    throw new UserError(
      `"${path}" is not a path inside ${storeUri}; name a file below it, like "train-00000.arrow"`,
    );
  return path;
}
