import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

/** The modules that a TypeScript file imports or exports from, types left out. */
function importsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext);
  return source.statements.flatMap((statement) => {
    if (ts.isImportDeclaration(statement) && !statement.importClause?.isTypeOnly)
      return [(statement.moduleSpecifier as ts.StringLiteral).text];
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier && !statement.isTypeOnly)
      return [(statement.moduleSpecifier as ts.StringLiteral).text];
    return [];
  });
}

/** The source of a captrain module, or undefined for packages of others. */
function sourceOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return path.resolve(path.dirname(from), specifier.replace(/\.js$/, '.ts'));
  const [, name, subpath] = /^(@captrain\/[^/]+)(?:\/(.*))?$/.exec(specifier) ?? [];
  if (name === undefined) return undefined;
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    exports: Record<string, { '@captrain/source': string }>;
  };
  const entry = exports[subpath === undefined ? '.' : `./${subpath}`]!['@captrain/source'];
  return path.resolve(path.dirname(manifest), entry);
}

/** Every module that importing `file` loads: captrain's own by their files, others by their names. */
function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const specifier of importsOf(file)) {
    const source = sourceOf(specifier, file);
    if (source === undefined) loaded.add(specifier);
    else loadedBy(source, loaded);
  }
  return loaded;
}

/** Those that load TensorFlow or tfjs; the engine does so by name at run time. */
const tensors = (file: string) =>
  [...loadedBy(file)].filter((name) =>
    (existsSync(name) ? readFileSync(name, 'utf8') : name).includes('@tensorflow/'),
  );

test.each(['batches.ts', 'config.ts', 'run/index.ts', 'hub/index.ts', 'safetensors.ts'])(
  '%s loads no TensorFlow',
  (name) => {
    const file = path.join(import.meta.dirname, name);
    expect(existsSync(file)).toBe(true);
    expect(tensors(file)).toEqual([]);
  },
);

test('the whole package does, so that this test could fail', () => {
  expect(tensors(path.join(import.meta.dirname, 'index.ts'))).not.toEqual([]);
});
