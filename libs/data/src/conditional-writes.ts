import { randomUUID } from 'node:crypto';
import { UserError } from '@captrain/runtime';
import { ConflictError, type ObjectStore } from './object-store.js';

/**
 * Tries out whether the store honours conditions of a put, with an object of its own that it deletes again. Throws
 * `UserError` where it does not (old S3 servers ignore them): two writers could then overwrite each other unseen.
 */
export async function requireConditionalWrites(store: ObjectStore): Promise<void> {
  const path = `probe-${randomUUID()}`;
  try {
    const { etag } = await store.put(path, '1', { ifNoneMatch: '*' });
    const refused = [
      await isRefused(store.put(path, '2', { ifNoneMatch: '*' })),
      (await store.put(path, '3', { ifMatch: etag })) &&
        (await isRefused(store.put(path, '4', { ifMatch: etag }))),
    ];
    if (refused.includes(false))
      throw new UserError(`${store.uri} ignores conditional writes; use a newer S3 server, or a folder`);
  } finally {
    await store.delete(path);
  }
}

function isRefused(put: Promise<unknown>): Promise<boolean> {
  return put.then(
    () => false,
    (error: unknown) => {
      if (error instanceof ConflictError) return true;
      throw error;
    },
  );
}
