import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { digestOfFile } from './digest.mjs';
import { SetupError } from './fail.mjs';
import { cacheDirectory } from './paths.mjs';
import { showStep } from './progress.mjs';
import { publish } from './publish.mjs';
import { capture } from './spawn.mjs';

/** The wheels that hold libtensorflow, pinned by version and SHA-256. */
export const pins = JSON.parse(readFileSync(new URL('./wheels.json', import.meta.url), 'utf8'));

/** The manylinux tags under which TensorFlow and NVIDIA publish; pip matches a tag exactly. */
const manylinux = ['_2_27', '_2_28', '_2_25', '_2_17', '2014', '_2_12', '2010', '_2_5', '1'];
const machines = { x64: 'x86_64', arm64: 'aarch64' };

/** The wheels for a device on this processor; a `SetupError` where there are none. */
export function wheelsFor(device) {
  const list = pins.wheels[`${device}-${process.arch}`];
  if (process.platform === 'linux' && list) return list;
  throw new SetupError(
    `there is no ${device === 'gpu' ? 'CUDA ' : ''}build of TensorFlow ${pins.tensorflow} for ${process.platform} on ` +
      `${process.arch}: use Linux on x86-64${device === 'gpu' ? ', or set CAPTRAIN_DEVICE=cpu' : ''}.`,
  );
}

/**
 * Downloads one wheel with the user's own pip (his indexes, certificates and proxies) into the cache, under a name
 * that it gets only after its digest was verified. Returns the file.
 */
export async function fetchWheel(pin) {
  const target = path.join(
    cacheDirectory(),
    'wheels',
    `${pin.package}-${pin.version}-${pin.sha256.slice(0, 12)}.whl`,
  );
  return await publish(target, async (staging) => {
    const wheel = await showStep(`downloading ${pin.package} ${pin.version}`, (update) =>
      pipDownload(pin, staging, update),
    );
    const digest = await digestOfFile(wheel);
    if (digest === pin.sha256) return wheel;
    throw new SetupError(
      `${pin.package} ${pin.version} from pip has SHA-256 ${digest} instead of ${pin.sha256}: ` +
        'check which package index pip uses (pip config list), then run this again.',
    );
  });
}

async function pipDownload(pin, staging, update) {
  const platforms = manylinux.flatMap((tag) => ['--platform', `manylinux${tag}_${machines[process.arch]}`]);
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check'];
  args.push('--progress-bar', 'off', '--python-version', pins.pythonVersion, ...platforms, '--dest', staging);
  // While pip moves what it has downloaded, the folder holds it twice.
  const total = pin.bytes ?? Infinity;
  // pip tells no progress to a pipe, so the growth of its folders is watched instead.
  const timer = setInterval(
    () => void bytesIn(staging).then((bytes) => update(Math.min(bytes, total), pin.bytes)),
    250,
  );
  try {
    await capture('python3', [...args, `${pin.package}==${pin.version}`], {
      env: { ...process.env, TMPDIR: staging },
    });
  } catch (error) {
    throw new SetupError(
      `pip could not download ${pin.package} ${pin.version}: ${lastPipError(error.message)} ` +
        "Check the network and pip's configuration (pip config list), then run this again.",
    );
  } finally {
    clearInterval(timer);
  }
  update(pin.bytes ?? (await bytesIn(staging)), pin.bytes);
  const name = (await readdir(staging)).find((file) => file.endsWith('.whl'));
  return path.join(staging, name);
}

function lastPipError(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => line.startsWith('ERROR:'));
  const chosen = (errors.at(-1) ?? lines.at(-1) ?? 'no message').replace(/^ERROR:\s*/, '').trim();
  return chosen.endsWith('.') ? chosen : `${chosen}.`;
}

async function bytesIn(folder) {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(path.join(folder, name)).then(
        (entry) => (entry.isFile() ? entry.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
