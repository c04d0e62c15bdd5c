import { vitestConfig } from '../tools/vitest.mjs';

// The tests start many processes of their own, so the files come one after another.
export default vitestConfig(import.meta.dirname, {
  include: ['e2e/**/*.spec.ts'],
  fileParallelism: false,
  // Of the tests of one file that are to run at once: those of chaos, which wait much of their time.
  maxConcurrency: 3,
  testTimeout: 180_000,
});
