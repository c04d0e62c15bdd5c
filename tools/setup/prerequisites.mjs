import { readFileSync } from 'node:fs';
import { SetupError } from './fail.mjs';
import { capture } from './spawn.mjs';

/** Each tool that the set-up calls, what it is for, and the packages that bring it. */
const tools = [
  {
    name: 'Python 3',
    when: 'download',
    probe: ['python3', '-c', 'import zipfile'],
    apt: 'python3',
    dnf: 'python3',
  },
  {
    name: "Python's pip",
    when: 'download',
    probe: ['python3', '-m', 'pip', '--version'],
    apt: 'python3-pip',
    dnf: 'python3-pip',
  },
  {
    name: "Python's venv",
    when: 'venv',
    probe: ['python3', '-c', 'import venv, ensurepip'],
    apt: 'python3-venv',
    dnf: 'python3',
  },
  {
    name: 'a C++17 compiler',
    when: 'compile',
    probe: [
      process.env.CXX || 'c++',
      '-std=c++17',
      '-x',
      'c++',
      '-fsyntax-only',
      '-include',
      'filesystem',
      '/dev/null',
    ],
    apt: 'g++',
    dnf: 'gcc-c++',
  },
  { name: 'make', when: 'compile', probe: ['make', '--version'], apt: 'make', dnf: 'make' },
];

/**
 * Throws a `SetupError` with one sentence for each tool that is missing. `needs.download`, `needs.compile`
 * and `needs.venv` say which of them this set-up will call.
 */
export async function checkPrerequisites(needs) {
  const wanted = tools.filter(({ when }) => needs[when]);
  const found = await Promise.all(wanted.map(({ probe: [command, ...args] }) => works(command, args)));
  const missing = wanted.filter((_, index) => !found[index]);
  if (missing.length > 0) throw new SetupError(missing.map(sentence).join('\n'));
}

function sentence({ name, probe, apt, dnf }) {
  const command = { apt: `sudo apt-get install -y ${apt}`, dnf: `sudo dnf install -y ${dnf}` }[
    packageManager()
  ];
  const own = name.startsWith('a C++') && process.env.CXX ? ` (CXX is ${process.env.CXX})` : '';
  return `${name} is missing${own}: ${command ? `run ${command}` : `install it, so that "${probe[0]}" works`}.`;
}

function packageManager() {
  let release = '';
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return undefined;
  }
  if (/^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release)) return 'apt';
  return /^ID(_LIKE)?=.*(fedora|rhel|centos)/m.test(release) ? 'dnf' : undefined;
}

async function works(command, args) {
  return await capture(command, args).then(
    () => true,
    () => false,
  );
}
