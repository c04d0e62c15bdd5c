import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { digestOfFiles } from './digest.mjs';
import { SetupError } from './fail.mjs';
import { cacheDirectory, root } from './paths.mjs';
import { showStep } from './progress.mjs';
import { publish } from './publish.mjs';
import { capture } from './spawn.mjs';
import { installTensorflow, tensorflowFolder } from './tensorflow.mjs';

const sources = path.join(root, 'libs/engine/native');

/**
 * Compiles tfjs's binding and captrain's addon for a device where that has not been done, and points
 * `libs/engine/native/build/<device>` at the result in the cache. `libs/engine/src/native-build.ts` reads that.
 */
export async function buildNative(device) {
  const target = await nativeFolder(device);
  const link = path.join(sources, 'build', device);
  if (!existsSync(target)) await compile(device, target);
  if (!existsSync(link) || realpathSync(link) !== realpathSync(target)) await relink(link, target);
}

/** Whether the build that this checkout's sources ask for is there and linked. */
export async function nativeIsBuilt(device) {
  const link = path.join(sources, 'build', device);
  const target = await nativeFolder(device);
  return existsSync(target) && existsSync(link) && realpathSync(link) === realpathSync(target);
}

/** Named by everything that goes into the build. */
async function nativeFolder(device) {
  const tfjs = packageFolder('@tensorflow/tfjs-node-gpu');
  const files = [
    ...readdirSync(sources, { recursive: true })
      .filter((name) => !name.startsWith('build') && /\.(cc|h)$|^Makefile$/.test(name))
      .sort()
      .map((name) => path.join('libs/engine/native', name)),
    path.join(path.relative(root, tfjs), 'package.json'),
    path.join(path.relative(root, packageFolder('node-api-headers')), 'package.json'),
  ];
  const digest = await digestOfFiles(root, files, [
    path.basename(tensorflowFolder(device)),
    process.env.CXX ?? '',
  ]);
  return path.join(cacheDirectory(), 'native', `${device}-${process.arch}-${digest.slice(0, 16)}`);
}

async function compile(device, target) {
  const tensorflow = await installTensorflow(device);
  await publish(target, (staging) =>
    showStep(`compiling the TensorFlow binding (${device})`, async () => {
      const variables = {
        TENSORFLOW: path.join(tensorflow, 'tensorflow'),
        TFJS: packageFolder('@tensorflow/tfjs-node-gpu'),
        NODE_API: path.join(packageFolder('node-api-headers'), 'include'),
        OUT: staging,
        // Relative, so that the cache can be copied elsewhere, into a container image for instance. The two dollars
        // are make's way of writing one.
        RPATH: `$$ORIGIN/${path.relative(target, path.join(tensorflow, 'tensorflow'))}`,
      };
      const args = ['-C', sources, '-j2', '--silent'];
      for (const [name, value] of Object.entries(variables)) args.push(`${name}=${value}`);
      try {
        await capture('make', args);
      } catch (error) {
        throw new SetupError(
          `the native build failed; mend what the compiler says, then run this again.\n${error.message}`,
        );
      }
      for (const name of readdirSync(staging)) {
        if (name.endsWith('.o')) await rm(path.join(staging, name));
      }
    }),
  );
}

/** Replaces a symbolic link in one rename. */
async function relink(link, target) {
  await mkdir(path.dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}`;
  await symlink(target, temporary);
  await rename(temporary, link);
}

function packageFolder(name) {
  const require = createRequire(path.join(root, 'libs/engine/package.json'));
  return path.dirname(require.resolve(`${name}/package.json`));
}
