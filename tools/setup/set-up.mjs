import { existsSync } from 'node:fs';
import path from 'node:path';
import { dependenciesAreInstalled, installDependencies } from './dependencies.mjs';
import { wantedDevice } from './device.mjs';
import { digestOf } from './digest.mjs';
import { generateGrpcTypes, grpcTypesAreCurrent } from './grpc-types.mjs';
import { withLock } from './lock.mjs';
import { buildNative, nativeIsBuilt } from './native.mjs';
import { cacheDirectory, root } from './paths.mjs';
import { checkPrerequisites } from './prerequisites.mjs';
import { tensorflowFolder } from './tensorflow.mjs';
import { buildTypeScript, typeScriptIsBuilt } from './typescript.mjs';

/**
 * Installs and builds whatever is missing in this checkout and in the cache. Each step first looks at its stamp, so
 * that a complete checkout costs a few file reads. Two set-ups of one checkout wait for each other.
 * `compile: false` leaves the TypeScript alone.
 */
export async function setUp({ compile }) {
  if (await isComplete(compile)) return;
  const lock = path.join(cacheDirectory(), 'locks', `checkout-${digestOf([root]).slice(0, 16)}.lock`);
  await withLock(lock, async () => {
    const device = wantedDevice();
    // Before anything that takes minutes.
    await checkPrerequisites({
      download: !existsSync(tensorflowFolder(device)),
      compile: !(await isNativeBuilt(device)),
    });
    if (!dependenciesAreInstalled()) await installDependencies();
    await buildNative(device);
    if (!(await grpcTypesAreCurrent())) await generateGrpcTypes();
    if (compile && !(await typeScriptIsBuilt())) await buildTypeScript();
  });
}

async function isComplete(compile) {
  if (!dependenciesAreInstalled()) return false;
  // The CUDA build serves both kinds of machine, and asking NVIDIA's driver takes a second: so look for it first.
  const asked = process.env.CAPTRAIN_DEVICE;
  const built = (asked !== 'cpu' && (await isNativeBuilt('gpu'))) || (await nativeIsBuilt(wantedDevice()));
  return built && (await grpcTypesAreCurrent()) && (!compile || (await typeScriptIsBuilt()));
}

async function isNativeBuilt(device) {
  return dependenciesAreInstalled() && (await nativeIsBuilt(device));
}
