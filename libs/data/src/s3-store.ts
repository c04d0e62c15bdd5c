import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '@captrain/runtime';
import type { Client } from 'minio';
import type { ObjectStat, ObjectStore, PutCondition } from './object-store.js';
import { ConflictError, NotFoundError, checkedPath } from './object-store.js';
import { type PutBody, bytesOfParts, partsOf, sliceOfParts } from './put-body.js';
import { defaultPatience, s3Client, s3Settings } from './s3-connection.js';
import { faultOf, s3Sentence, withRetries } from './s3-faults.js';
import { multipartFrom, putMultipart, sweepMultipart } from './s3-multipart.js';

interface Bucket {
  readonly client: Client;
  readonly name: string;
  readonly endpoint: string;
}

/** Attempts at a conditional put, before a server that keeps answering "conflict, try again" is given up. */
const conditionalAttempts = 5;

/**
 * A bucket, or what lies below a prefix in it, through the `minio` client. Conditions are S3's own `If-Match` and
 * `If-None-Match`; objects from 64 MB go in parts, several at a time, unless there is a condition.
 */
export class S3Store implements ObjectStore {
  readonly uri: string;

  private constructor(
    private readonly bucket: Bucket,
    private readonly prefix: string,
  ) {
    this.uri = `s3://${bucket.name}${prefix === '' ? '' : `/${prefix}`}`;
  }

  /** Opens `s3://bucket/prefix` and lists one object, so that whatever is wrong with server, keys or bucket shows. */
  static async open(uri: string, env: NodeJS.ProcessEnv, patience = defaultPatience): Promise<S3Store> {
    const [, name = '', rest = ''] = /^s3:\/\/([^/]*)\/?(.*?)\/*$/.exec(uri) ?? [];
    if (name === '') throw new UserError(`"${uri}" names no bucket; write s3://BUCKET/PREFIX`);
    if (rest !== '') checkedPath(rest, `s3://${name}`);
    const settings = s3Settings(env);
    const store = new S3Store(
      { client: s3Client(settings, patience), name, endpoint: settings.endpoint.origin },
      rest,
    );
    await store.#page(store.#key(''), '', 1);
    return store;
  }

  get(path: string): Promise<Buffer> {
    const key = this.#key(checkedPath(path, this.uri));
    return this.#call(path, async () => collect(await this.bucket.client.getObject(this.bucket.name, key)));
  }

  async getRange(path: string, offset: number, length: number): Promise<Buffer> {
    const key = this.#key(checkedPath(path, this.uri));
    if (length === 0) return Buffer.alloc(0);
    const ends = new UserError(
      `${this.uri}/${path} ends before byte ${offset + length}: it is cut short; write or copy it again`,
    );
    const bytes = await this.#call(path, async () =>
      collect(await this.bucket.client.getPartialObject(this.bucket.name, key, offset, length)),
    ).catch((error: Error) => {
      throw (error.cause as { code?: string } | undefined)?.code === 'InvalidRange' ? ends : error;
    });
    if (bytes.length !== length) throw ends;
    return bytes;
  }

  async put(path: string, body: PutBody, condition: PutCondition = {}): Promise<{ etag: string }> {
    const key = this.#key(checkedPath(path, this.uri));
    const parts = partsOf(body);
    const length = bytesOfParts(parts);
    const { client, name } = this.bucket;
    if (condition.ifMatch !== undefined || condition.ifNoneMatch !== undefined)
      return this.#sentenced(
        path,
        () => this.#putIf(path, key, sliceOfParts(parts, 0, length), condition),
        true,
      );
    if (length >= multipartFrom)
      return this.#sentenced(path, () => putMultipart(client, name, key, parts), true);
    const whole = sliceOfParts(parts, 0, length);
    return this.#call(path, () => client.putObject(name, key, whole, length), true);
  }

  stat(path: string): Promise<ObjectStat | undefined> {
    const key = this.#key(checkedPath(path, this.uri));
    return this.#call(path, async () => {
      try {
        const { size, etag } = await this.bucket.client.statObject(this.bucket.name, key);
        return { bytes: size, etag };
      } catch (error) {
        if (faultOf(error) === 'missing') return undefined;
        throw error;
      }
    });
  }

  async *list(prefix = ''): AsyncGenerator<{ path: string; bytes: number }> {
    const start = this.#key('');
    let token = '';
    do {
      const page = await this.#page(start + prefix, token, 1000);
      for (const { name, size } of page.objects)
        if (name !== undefined && !name.endsWith('/')) yield { path: name.slice(start.length), bytes: size };
      token = page.isTruncated ? page.nextContinuationToken : '';
    } while (token !== '');
  }

  async delete(path: string): Promise<void> {
    const key = this.#key(checkedPath(path, this.uri));
    await this.#call(path, () => this.bucket.client.removeObject(this.bucket.name, key));
  }

  async sweep(): Promise<void> {
    const { client, name } = this.bucket;
    await this.#call('', () => sweepMultipart(client, name, this.#key('')));
  }

  child(path: string): ObjectStore {
    return new S3Store(this.bucket, this.#key(checkedPath(path, this.uri)));
  }

  #key(path: string): string {
    return this.prefix === '' ? path : `${this.prefix}/${path}`;
  }

  #page(prefix: string, token: string, size: number) {
    const { client, name } = this.bucket;
    return this.#call('', () => client.listObjectsV2Query(name, prefix, token, '', size, ''));
  }

  /**
   * A put under a condition. After a fault that may have hidden a success, a failed condition can be our own doing:
   * then the object has our bytes, and that is success. 409 means that S3 has not decided between two writers: ask
   * again.
   */
  async #putIf(path: string, key: string, body: Buffer, condition: PutCondition): Promise<{ etag: string }> {
    const headers: Record<string, string> = {};
    if (condition.ifMatch !== undefined) headers['If-Match'] = `"${condition.ifMatch}"`;
    if (condition.ifNoneMatch !== undefined) headers['If-None-Match'] = condition.ifNoneMatch;
    const { client, name } = this.bucket;
    for (let attempt = 1; ; attempt++) {
      try {
        const { etag } = await client.putObject(name, key, body, body.length, { ...headers });
        return { etag };
      } catch (error) {
        const fault = faultOf(error);
        if (fault === 'condition' || fault === 'missing') {
          const own = attempt > 1 ? await this.#etagIfEqual(path, body) : undefined;
          if (own !== undefined) return { etag: own };
          throw new ConflictError(`${this.uri}/${path}`, { cause: error });
        }
        if (fault === 'final' || attempt === conditionalAttempts) throw error;
        await sleep(100 * 2 ** attempt);
      }
    }
  }

  async #etagIfEqual(path: string, body: Buffer): Promise<string | undefined> {
    const before = await this.stat(path);
    if (before?.bytes !== body.length || !(await this.get(path)).equals(body)) return undefined;
    return (await this.stat(path))?.etag === before.etag ? before.etag : undefined;
  }

  #call<T>(path: string, call: () => Promise<T>, isPut = false): Promise<T> {
    return this.#sentenced(path, () => withRetries(call), isPut);
  }

  /** Gives every failure its sentence. */
  async #sentenced<T>(path: string, call: () => Promise<T>, isPut = false): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (faultOf(error) === 'missing' && !isPut)
        throw new NotFoundError(`${this.uri}/${path}`, { cause: error });
      throw s3Sentence(error, this.bucket.name, this.bucket.endpoint);
    }
  }
}

/** The whole body, in one buffer of its announced size. */
async function collect(stream: Readable): Promise<Buffer> {
  const announced = (stream as IncomingMessage).headers['content-length'];
  const parts = stream as AsyncIterable<Buffer>;
  if (announced === undefined) return buffer(stream);
  const whole = Buffer.allocUnsafeSlow(Number(announced));
  let length = 0;
  for await (const part of parts) length += part.copy(whole, length);
  if (length === whole.length) return whole;
  throw Object.assign(new Error(`${length} bytes came instead of ${announced}`), { code: 'ECONNRESET' });
}
