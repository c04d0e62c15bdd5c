import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A disk of its own that a test can fill: a file system in memory, mounted at a folder. */
export class SmallDisk {
  private constructor(private readonly folder: string) {}

  static async mount(folder: string, megabytes: number): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'captrain-chaos', folder]);
    return new SmallDisk(folder);
  }

  private get ballast(): string {
    return path.join(this.folder, '.ballast');
  }

  /** Leaves not a byte. */
  fill(): void {
    const file = openSync(this.ballast, 'a');
    try {
      for (const bytes of [1 << 20, 1 << 12, 1]) while (writes(file, bytes));
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.ballast, { force: true });
  }

  async unmount(): Promise<void> {
    await run('umount', [this.folder]);
  }
}

function writes(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes;
  } catch {
    return false;
  }
}

/** Whether this machine lets us mount. */
export async function mountsArePossible(): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'captrain-mount-'));
  try {
    await (await SmallDisk.mount(folder, 1)).unmount();
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
