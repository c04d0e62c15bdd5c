import { readFileSync } from 'node:fs';

/** The version in the package.json one folder above a module's own: `packageVersion(import.meta.url)` in src or dist. */
export function packageVersion(moduleUrl: string): string {
  const json = readFileSync(new URL('../package.json', moduleUrl), 'utf8');
  return (JSON.parse(json) as { version: string }).version;
}
