import os from 'node:os';
import path from 'node:path';
import { binOf } from '../setup/bin.mjs';
import { root } from '../setup/paths.mjs';
import { foreground } from '../setup/spawn.mjs';

/** Processors are shared out: a few projects at once, and a few test processes in each. */
const processors = os.availableParallelism();
const projectsAtOnce = Math.min(4, Math.max(2, Math.floor(processors / 4)));
const processesEach = Math.max(1, Math.floor(processors / projectsAtOnce));

const environment = {
  ...process.env,
  NX_DAEMON: 'false',
  NX_NO_CLOUD: 'true',
  NX_TUI: 'false',
  // A checkout's own: what the tests of another one found out may be due to what was installed then.
  NX_CACHE_DIRECTORY: path.join(root, '.nx/cache'),
  VITEST_MAX_WORKERS: String(processesEach),
};

/** Runs targets in every project, answers from nx's cache where nothing changed; resolves with the exit code. */
export function runMany(targets, args = []) {
  const flags = ['--parallel', String(projectsAtOnce), '--output-style', 'static', '--nxBail', 'false'];
  return foreground(process.execPath, [binOf('nx'), 'run-many', '-t', ...targets, ...flags, ...args], {
    cwd: root,
    env: environment,
  });
}
