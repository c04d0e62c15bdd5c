import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type ProcessIdentity, hasEnded, sha256, thisProcess } from '@captrain/runtime';
import { reservedNamePrefix } from './object-store.js';

/** Files half written; the writing process follows: its machine, its number and its start. */
const prefix = `${reservedNamePrefix}tmp-`;

/** A writer of another machine, whose process cannot be seen here, writes something within this time. */
const silenceMs = 10_000;

let own: ProcessIdentity | undefined;

/** A name for a file that this process writes, and that nobody else has. */
export function temporaryName(): string {
  own ??= thisProcess();
  return `${prefix}${keyOf(own)}-${own.process}-${own.started}-${randomUUID()}`;
}

export function isTemporary(name: string): boolean {
  return name.startsWith(prefix);
}

/** Whether nobody writes a temporary file any more: its process was one of this machine and has ended, or it fell silent. */
export async function isAbandoned(file: string): Promise<boolean> {
  const [key, number, started = ''] = path.basename(file).slice(prefix.length).split('-');
  const here = thisProcess();
  if (here.machine !== '' && key === keyOf(here))
    return hasEnded({ ...here, process: Number(number), started });
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > silenceMs;
}

/** The machine's name may have characters that names of files have not. */
function keyOf({ machine }: ProcessIdentity): string {
  return sha256(Buffer.from(machine)).slice(0, 12);
}
