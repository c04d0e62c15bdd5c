import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const version = 'v1.9.4';
const run = promisify(execFile);

/**
 * The grpcurl program, from the per-user cache; the first time it is built there from its Go module (a minute).
 * Undefined, after a sentence on stderr, where there is no Go.
 */
export async function grpcurlProgram(): Promise<string | undefined> {
  const cache =
    process.env['CAPTRAIN_CACHE'] ||
    path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'captrain');
  const folder = path.join(cache, 'tools', `grpcurl-${version}`);
  const program = path.join(folder, 'grpcurl');
  if (existsSync(program)) return program;
  await mkdir(path.dirname(folder), { recursive: true });
  const partial = await mkdtemp(`${folder}.partial-`);
  try {
    const spec = `github.com/fullstorydev/grpcurl/cmd/grpcurl@${version}`;
    const env = { ...process.env, GOBIN: partial, CGO_ENABLED: '0' };
    await run('go', ['install', '-trimpath', '-ldflags', '-s -w', spec], { env });
    await rename(partial, folder).catch((error: unknown) => {
      // Another test run was quicker.
      if (!existsSync(program)) throw error;
    });
    return program;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    console.warn(
      'Go is not installed, so no grpcurl can be built: the same calls are made by a client of our own.',
    );
    return undefined;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** A grpcurl call on a server without TLS; what it prints. */
export async function grpcurl(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, ['-plaintext', '-max-time', '10', ...args]);
  return stdout;
}
