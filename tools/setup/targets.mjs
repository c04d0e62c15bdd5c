import path from 'node:path';
import { root } from './paths.mjs';
import { foreground } from './spawn.mjs';

/** What can be run after the set-up: the script and its first arguments. */
export const targets = {
  demo: ['apps/cli/dist/main.js', 'demo'],
  captrain: ['apps/cli/dist/main.js'],
  bench: ['bench/dist/main.js'],
  parity: ['bench/dist/parity/main.js'],
  chaos: ['infra/dist/chaos/main.js'],
  profile: ['bench/dist/profile/main.js'],
  test: ['tools/test/test.mjs'],
  check: ['tools/test/check.mjs'],
};

/** Runs a target in the caller's folder; resolves with its exit code. */
export async function runTarget(name, args) {
  const [script, ...first] = targets[name];
  const cwd = process.env.INIT_CWD ?? process.cwd();
  return await foreground(process.execPath, [path.join(root, script), ...first, ...args], { cwd });
}
