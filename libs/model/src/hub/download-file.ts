import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError, formatCount } from '@captrain/runtime';
import type { HubFile } from './hub-api.js';
import { HubFault } from './hub-fault.js';
import { type HubContext, StallGuard, hubRequest, persist } from './hub-request.js';

export interface Download {
  readonly url: string;
  /** For people: `model.safetensors of gpt2@…`. */
  readonly what: string;
  readonly file: HubFile;
  /** Where it goes, once it is whole and right. */
  readonly to: string;
}

interface Options extends HubContext {
  /** Told how many bytes of the file are there, whenever that changes. */
  readonly onBytes: (bytes: number) => void;
}

/** Where a file grows until it is whole. Python's downloads have other names, since two writers would spoil one. */
export function partialOf(file: string): string {
  return `${file}.captrain.incomplete`;
}

/** Bytes of a file that an earlier, interrupted download left. */
export async function bytesThere(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/**
 * Downloads a file, going on where an earlier download stopped. It is put in place once its size and digest are those of
 * the hub's listing; where they are not, it is fetched once more, and then refused by a UserError. Throws a HubFault
 * where the hub gives up, and the signal's reason; what has come by then is kept.
 */
export async function downloadFile(download: Download, options: Options): Promise<void> {
  const { what, file, to } = download;
  const partial = partialOf(to);
  await mkdir(path.dirname(to), { recursive: true });
  let fault: string | undefined;
  for (let tries = 0; tries < 2; tries++) {
    await grow(partial, download, options);
    fault = await wrongness(partial, file);
    if (fault === undefined) return rename(partial, to);
    await rm(partial, { force: true });
    options.onBytes(0);
  }
  throw new UserError(
    `${what} came twice from ${options.settings.endpoint} ${fault}; nothing was kept, so try again later, or through another network.`,
  );
}

/** Appends to the partial file until nothing is missing. */
async function grow(partial: string, { url, file, what }: Download, options: Options): Promise<void> {
  const { settings, signal, onBytes } = options;
  /** The most that was ever there: only more than that is progress, because some servers begin anew each time. */
  let most = await bytesThere(partial);
  let before = most;
  await persist(
    async () => {
      before = most;
      const guard = new StallGuard(settings.patience.stallMs, signal);
      let bytes = await bytesThere(partial);
      if (bytes >= file.bytes && bytes > 0) return;
      const handle = await open(partial, 'a');
      try {
        const headers: Record<string, string> = bytes > 0 ? { range: `bytes=${bytes}-` } : {};
        const response = await hubRequest(url, settings, { headers, signal: guard.signal });
        // The file ends where the partial one does.
        if (response.status === 416) return void (await response.body?.cancel());
        if (bytes > 0 && !goesOn(response, bytes)) await handle.truncate((bytes = 0));
        for await (const piece of pieces(response)) {
          guard.alive();
          await handle.write(piece);
          onBytes((bytes += piece.length));
          most = Math.max(most, bytes);
          if (bytes > file.bytes) break;
        }
        if (bytes < file.bytes)
          throw new HubFault('unreachable', `${what} broke off after ${formatCount(bytes)} bytes`);
        // A crash of the machine must not leave a large file that has its size and not its bytes.
        if (file.sha256) await handle.sync();
      } catch (thrown) {
        if (isFileError(thrown)) throw thrown;
        throw HubFault.ofThrown(thrown);
      } finally {
        guard.end();
        await handle.close();
      }
    },
    { ...options, gotOn: () => most > before },
  );
}

async function* pieces(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body) for await (const piece of response.body) yield piece as Uint8Array;
}

/** Whether an answer begins at byte `from`; one to a request without a range, or with its range ignored, does not. */
function goesOn(response: Response, from: number): boolean {
  if (response.status !== 206) return false;
  return response.headers.get('content-range')?.startsWith(`bytes ${from}-`) ?? false;
}

/** What is wrong with a whole file, or undefined. */
async function wrongness(partial: string, { bytes, sha256, blobId }: HubFile): Promise<string | undefined> {
  const found = await bytesThere(partial);
  if (found !== bytes) return `with ${formatCount(found)} bytes where the hub lists ${formatCount(bytes)}`;
  // Git's name of a content is the SHA-1 of it behind a header.
  const hash = sha256 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
  for await (const piece of createReadStream(partial, { highWaterMark: 1 << 20 }))
    hash.update(piece as Buffer);
  const digest = hash.digest('hex');
  if (digest === (sha256 ?? blobId)) return undefined;
  return `with the ${sha256 ? 'SHA-256' : 'SHA-1'} ${digest} where the hub lists ${sha256 ?? blobId}`;
}

/** A fault of the disk (ENOSPC, EROFS, …), not of the network. */
function isFileError(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    ['write', 'open', 'ftruncate', 'fsync'].includes((thrown as NodeJS.ErrnoException).syscall ?? '')
  );
}
