import { fileURLToPath } from 'node:url';
import { UserError } from '@captrain/runtime';
import { FolderStore } from './folder-store.js';
import type { ObjectStore } from './object-store.js';

/**
 * The store at `s3://bucket/prefix`, or in a folder given as a path or `file:` URL. S3 is asked at once, and answers
 * in finite time with what is wrong, if anything is; a folder need not be there yet.
 */
export async function openStore(uri: string, env: NodeJS.ProcessEnv = process.env): Promise<ObjectStore> {
  if (uri.startsWith('s3://')) {
    // Its client is loaded where it is needed only: it takes as long as all the rest of a small program.
    const { S3Store } = await import('./s3-store.js');
    return S3Store.open(uri, env);
  }
  if (uri.startsWith('file:')) return new FolderStore(fileURLToPath(uri));
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1];
  if (scheme) throw new UserError(`"${uri}" is of the kind ${scheme}; use a folder or s3://BUCKET/PREFIX`);
  if (uri === '') throw new UserError('An empty path names no place; give a folder or s3://BUCKET/PREFIX');
  return new FolderStore(uri);
}
