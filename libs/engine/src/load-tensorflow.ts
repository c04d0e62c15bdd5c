import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';
import type * as tfjs from '@tensorflow/tfjs-node-gpu';

/**
 * Loads tfjs over the binding of a native build. tfjs's package stays as npm installed it: only the function by which
 * it looks its binding up answers with ours.
 */
export function loadTfjs(build: string): typeof tfjs {
  mendNodeUtilities();
  const fromHere = createRequire(import.meta.url);
  const fromTfjs = createRequire(fromHere.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  const lookup = fromTfjs('@mapbox/node-pre-gyp/lib/pre-binding') as { find(packageJson: string): string };
  const find = lookup.find;
  lookup.find = () => path.join(build, 'tfjs_binding.node');
  try {
    return fromHere('@tensorflow/tfjs-node-gpu') as typeof tfjs;
  } finally {
    lookup.find = find;
  }
}

/** tfjs-node 4.22 calls two helpers that Node 22 warns of and Node 23 removed. */
function mendNodeUtilities(): void {
  const old = util as unknown as Record<string, unknown>;
  old['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
  old['isArray'] = Array.isArray;
}
