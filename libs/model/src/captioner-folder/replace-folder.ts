import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { isCaptionerFolder } from './folder-config.js';

/**
 * Writes a captioner folder as one step: `write` fills a folder beside it, which then takes its place; where `write`
 * rejects, nothing is left. A folder that holds files is a UserError, unless it is a captioner's and `overwrite` is
 * set. What the file system refuses is a UserError, too.
 */
export async function replaceFolder(
  out: string,
  { overwrite }: { overwrite: boolean },
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  refuseTaken(out, overwrite);
  const target = existsSync(out) ? realpathSync(out) : path.resolve(out);
  const beside = (kind: string) =>
    path.join(path.dirname(target), `.${path.basename(target)}-${kind}-${randomUUID()}`);
  const [temporary, former] = [beside('partial'), beside('former')];
  try {
    await mkdir(temporary, { recursive: true });
    await write(temporary);
    if (existsSync(target)) await rename(target, former);
    await rename(temporary, target);
  } catch (error) {
    throw sentence(error, out);
  } finally {
    await discard(temporary);
    if (existsSync(target)) await discard(former);
    else if (existsSync(former)) await rename(former, target);
  }
}

/** Removes what may be there; a fault of that is not what the user has to hear of. */
async function discard(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => {});
}

/** Throws a UserError where a folder cannot be written: said before long work begins. */
export function refuseTaken(out: string, overwrite: boolean): void {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(out))
    throw new UserError(`${out} is no folder on this machine; name one with --out.`);
  if (!existsSync(out)) return;
  if (!statSync(out).isDirectory()) throw new UserError(`${out} is a file; name a folder with --out.`);
  if (readdirSync(out).length === 0) return;
  if (!isCaptionerFolder(out))
    throw new UserError(`${out} holds files that are not of a captioner; name another folder with --out.`);
  if (!overwrite)
    throw new UserError(
      `${out} holds a captioner already; name another --out, or replace it by --overwrite.`,
    );
}

const remedies = ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENAMETOOLONG', 'EFBIG'];

function sentence(error: unknown, out: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (error instanceof UserError || !remedies.includes(code)) return error;
  return new UserError(`cannot write ${out} (${messageOf(error)}); make room, or name another --out.`, {
    cause: error,
  });
}
