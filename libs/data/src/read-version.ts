import { NotFoundError, type ObjectStore } from './object-store.js';

/** One version of an object. */
export interface ObjectVersion {
  readonly bytes: Buffer;
  /** For a put on condition that nobody replaced this version. */
  readonly etag: string;
}

/** A small object with the etag of just these bytes, however often others replace it; undefined where there is none. */
export async function readVersion(store: ObjectStore, path: string): Promise<ObjectVersion | undefined> {
  for (;;) {
    const before = await store.stat(path);
    if (before === undefined) return undefined;
    const bytes = await store.get(path).catch((error: unknown) => {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    });
    const after = await store.stat(path);
    if (bytes !== undefined && after?.etag === before.etag) return { bytes, etag: before.etag };
  }
}
