#!/usr/bin/env node
// node tools/setup/python.mjs: makes the Python environment with PyTorch where it is missing, and prints its interpreter.
// The parity suite and the benchmarks against PyTorch call this; nothing else in the project needs it.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf } from './digest.mjs';
import { SetupError } from './fail.mjs';
import { cacheDirectory } from './paths.mjs';
import { checkPrerequisites } from './prerequisites.mjs';
import { say, showStep } from './progress.mjs';
import { publish } from './publish.mjs';
import { capture } from './spawn.mjs';

const requirements = fileURLToPath(new URL('./python-requirements.txt', import.meta.url));

/** The interpreter of an environment in the cache that holds what the requirements name; installs it, once. */
export async function pythonInterpreter() {
  const digest = digestOf([readFileSync(requirements), await systemVersion()]);
  const folder = path.join(cacheDirectory(), 'python', digest.slice(0, 16));
  if (!existsSync(folder)) await checkPrerequisites({ venv: true });
  await publish(folder, install);
  return path.join(folder, 'bin/python');
}

async function systemVersion() {
  try {
    return await capture('python3', ['-c', 'import sys; print(sys.version)']);
  } catch {
    throw new SetupError('python3 is missing: install Python 3.10 or newer.');
  }
}

async function install(staging) {
  const packages = readFileSync(requirements, 'utf8').match(/==/g).length;
  await showStep(`installing PyTorch and ${packages - 1} Python packages (6 GB)`, async () => {
    await capture('python3', ['-m', 'venv', staging]);
    const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '-r', requirements];
    try {
      await capture(path.join(staging, 'bin/python'), args);
    } catch (error) {
      throw new SetupError(
        `pip could not install ${requirements}; mend what it says, then run this again.\n${error.message}`,
      );
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await pythonInterpreter()}\n`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    for (const line of error.message.split('\n')) say(line);
    process.exitCode = 2;
  }
}
