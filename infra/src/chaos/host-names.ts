import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Command line before a program's by which it believes to be on another machine: a host name of its own. */
export function onHost(name: string): string[] {
  return ['unshare', '--uts', 'sh', '-c', `hostname ${name} && exec "$0" "$@"`];
}

/** Whether this machine lets us give programs host names of their own. */
export async function hostNamesArePossible(): Promise<boolean> {
  const [command, ...args] = onHost('probe');
  try {
    const { stdout } = await promisify(execFile)(command!, [...args, 'hostname']);
    return stdout.trim() === 'probe';
  } catch {
    return false;
  }
}
