import { createHash } from 'node:crypto';
import type { Client } from 'minio';
import { bytesOfParts, sliceOfParts } from './put-body.js';
import { faultOf, withRetries } from './s3-faults.js';

/** Objects of at least so many bytes are uploaded in parts. */
export const multipartFrom = 64 * 1024 * 1024;
const partBytes = 16 * 1024 * 1024;
const partsAtOnce = 4;

/**
 * Uploads in parts (S3's, whatever those of the body are), each with its own retries; a failed upload is taken back, so that it leaves nothing to pay for.
 * The result appears all at once. `minio`'s own upload is not used, because it resumes whatever upload it finds
 * unfinished under the same key, another writer's too.
 */
export async function putMultipart(
  client: Client,
  bucket: string,
  key: string,
  body: readonly Uint8Array[],
): Promise<{ etag: string }> {
  const length = bytesOfParts(body);
  const uploadId = await withRetries(() => client.initiateNewMultipartUpload(bucket, key, {}));
  try {
    const count = Math.ceil(length / partBytes);
    const parts: { part: number; etag: string }[] = [];
    let next = 0;
    const uploader = async () => {
      while (next < count) {
        const index = next++;
        const bytes = sliceOfParts(body, index * partBytes, (index + 1) * partBytes);
        const part = { bucketName: bucket, objectName: key, uploadID: uploadId, partNumber: index + 1 };
        const { etag } = await withRetries(() => client.uploadPart({ ...part, headers: {} }, bytes));
        parts[index] = { part: index + 1, etag };
      }
    };
    await Promise.all(Array.from({ length: partsAtOnce }, uploader));
    return await withRetries((again) => complete(client, bucket, key, uploadId, parts, again));
  } catch (error) {
    await client.abortMultipartUpload(bucket, key, uploadId).catch(() => undefined);
    throw error;
  }
}

/** No upload takes so long: one that has is a killed writer's. */
const abandonedMs = 24 * 3600 * 1000;

/** Takes uploads back that nobody will complete; S3 keeps their parts for ever, and bills them. */
export async function sweepMultipart(client: Client, bucket: string, prefix: string): Promise<void> {
  const { uploads } = await client.listIncompleteUploadsQuery(bucket, prefix, '', '', '');
  for (const { key, uploadId, initiated } of uploads)
    if (Date.now() - new Date(initiated as unknown as string).getTime() > abandonedMs)
      await client.abortMultipartUpload(bucket, key, uploadId);
}

async function complete(
  client: Client,
  bucket: string,
  key: string,
  uploadId: string,
  parts: { part: number; etag: string }[],
  again: boolean,
): Promise<{ etag: string }> {
  try {
    const { etag } = await client.completeMultipartUpload(bucket, key, uploadId, parts);
    return { etag };
  } catch (error) {
    // An earlier attempt whose answer was lost has used the upload up: then the object has the parts' etag.
    const gone = (error as { code?: string }).code === 'NoSuchUpload';
    if (!again || !gone || faultOf(error) === 'transient') throw error;
    const { etag } = await client.statObject(bucket, key);
    if (etag === etagOfParts(parts)) return { etag };
    throw error;
  }
}

/** S3's etag of an object made of parts: the MD5 of the parts' MD5s, and their count. */
function etagOfParts(parts: { etag: string }[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'));
  return `${hash.digest('hex')}-${parts.length}`;
}
