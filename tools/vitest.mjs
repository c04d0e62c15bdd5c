import path from 'node:path';
import { defineConfig } from 'vitest/config';

/**
 * The one vitest configuration. Every package's `vitest.config.mjs` calls this with its own folder.
 * Tests run in child processes, because TensorFlow cannot be loaded in two threads of one process;
 * sources are resolved through the `@captrain/source` export condition, so no build has to come first.
 */
export function vitestConfig(root, overrides = {}) {
  // Vite and Node add `import` or `require` themselves, by the kind of each import. Vitest hands this list to the test
  // processes, where a general `import` would give ES modules to packages that call `require` (tfjs, for one).
  const conditions = ['@captrain/source', 'node'];
  return defineConfig({
    root,
    cacheDir: path.join(root, 'node_modules/.vitest'),
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
    test: {
      pool: 'forks',
      include: ['src/**/*.spec.ts'],
      passWithNoTests: true,
      // Nx sets it for its own output; programs under test decide about colours by themselves.
      env: { FORCE_COLOR: '' },
      reporters: ['default', 'json'],
      outputFile: { json: 'test-results/vitest.json' },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      ...overrides,
    },
  });
}
