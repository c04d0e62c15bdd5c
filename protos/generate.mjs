import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

// Makes src/generated: TypeScript types of every message and service in captrain/v1.
// The flags are the loader's own options (loader-options.json), so that types and values agree.
const here = import.meta.dirname;
const options = JSON.parse(readFileSync(path.join(here, 'loader-options.json'), 'utf8'));
const flags = Object.entries(options)
  .filter(([, value]) => value !== false)
  .map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
const outDir = path.join(here, 'src/generated');
const protos = readdirSync(path.join(here, 'captrain/v1')).map((file) => `captrain/v1/${file}`);
const loader = createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json');
const generator = path.join(path.dirname(loader), 'build/bin/proto-loader-gen-types.js');
rmSync(outDir, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [
    generator,
    ...flags,
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.js',
    '--includeComments',
    `--includeDirs=${here}`,
    `--outDir=${outDir}`,
    ...protos,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
