import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from './fail.mjs';
import { root } from './paths.mjs';
import { showStep } from './progress.mjs';
import { capture } from './spawn.mjs';

/**
 * Whether node_modules holds what package-lock.json asks for: npm writes what it has installed into a lock file of
 * its own, as the last thing it does.
 */
export function dependenciesAreInstalled() {
  const installed = readPackages('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  return Object.entries(wantedPackages()).every(([name, { version, integrity, link, optional }]) =>
    installed[name] === undefined
      ? optional === true
      : link === true || (installed[name].version === version && installed[name].integrity === integrity),
  );
}

/** Installs exactly what the lock file says. No package's scripts run: they would download builds of their own. */
export async function installDependencies() {
  const count = Object.keys(wantedPackages()).length;
  await showStep(`installing ${count} npm packages`, async () => {
    try {
      await capture('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: root,
      });
    } catch (error) {
      throw new SetupError(
        `npm ci failed; mend what it says, then run this again.\n${errorLines(error.message)}`,
      );
    }
  });
}

/** npm's first lines name the fault; a page about its usage follows. */
function errorLines(output) {
  const lines = output.split('\n').filter((line) => /^npm error \S/.test(line));
  return lines.length > 0 ? lines.slice(0, 8).join('\n') : output;
}

function wantedPackages() {
  const entries = Object.entries(readPackages('package-lock.json'));
  return Object.fromEntries(entries.filter(([name]) => name.startsWith('node_modules/')));
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
