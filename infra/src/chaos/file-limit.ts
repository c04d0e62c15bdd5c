import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CaseProcess } from './case-process.js';

const run = promisify(execFile);

/** For one process all disks are full: it may write to no file (RLIMIT_FSIZE, by util-linux's prlimit). */
export class FileLimit {
  constructor(private readonly process: Pick<CaseProcess, 'pid'>) {}

  async fill(): Promise<void> {
    await this.set('0');
  }

  async makeRoom(): Promise<void> {
    await this.set('unlimited');
  }

  /** The limit that counts alone, so that it can be raised again. */
  private async set(bytes: string): Promise<void> {
    await run('prlimit', ['--pid', String(this.process.pid), `--fsize=${bytes}:`]);
  }
}

/** Whether this machine lets us set limits of other processes. */
export async function limitsArePossible(): Promise<boolean> {
  try {
    await new FileLimit(process).makeRoom();
    return true;
  } catch {
    return false;
  }
}
