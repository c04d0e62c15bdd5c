import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { digestOfFiles } from './digest.mjs';
import { root } from './paths.mjs';
import { showStep } from './progress.mjs';
import { capture } from './spawn.mjs';
import { readStamp, writeStamp } from './stamp.mjs';

const generated = path.join(root, 'protos/src/generated');

export async function grpcTypesAreCurrent() {
  return existsSync(generated) && readStamp('grpc-types') === (await inputDigest());
}

/** Makes `protos/src/generated` of the .proto files, by the package's own script. */
export async function generateGrpcTypes() {
  const digest = await inputDigest();
  await showStep('generating gRPC types', () =>
    capture(process.execPath, ['protos/generate.mjs'], { cwd: root }),
  );
  writeStamp('grpc-types', digest);
}

function inputDigest() {
  const protos = readdirSync(path.join(root, 'protos/captrain'), { recursive: true })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => path.join('protos/captrain', name));
  return digestOfFiles(root, [
    ...protos,
    'protos/generate.mjs',
    'protos/loader-options.json',
    'protos/package.json',
  ]);
}
