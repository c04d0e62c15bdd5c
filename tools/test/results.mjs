import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/paths.mjs';
import { packageFoldersWith } from '../setup/workspaces.mjs';

const resultFile = (folder) => path.join(root, folder, 'test-results/vitest.json');
const testedFolders = () => packageFoldersWith('vitest.config.mjs');

/** Forgets the results of earlier runs. nx brings back those that it answers from its cache. */
export function clearResults() {
  for (const folder of testedFolders()) rmSync(resultFile(folder), { force: true });
}

/** Sums all projects' results. A project without any counts as one failure: it never got to its tests. */
export function sumResults() {
  const sum = { passed: 0, failed: 0 };
  for (const folder of testedFolders()) {
    const { passed, failed } = existsSync(resultFile(folder))
      ? countTests(JSON.parse(readFileSync(resultFile(folder), 'utf8')))
      : { passed: 0, failed: 1 };
    sum.passed += passed;
    sum.failed += failed;
  }
  return sum;
}

/**
 * Passed and failed tests of one vitest report (its JSON reporter). A file that failed without a failed test (it did
 * not load, or its `beforeAll` threw) counts as one failure, and so does a run that failed for any other reason.
 */
export function countTests(report) {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return { passed: report.numPassedTests, failed: failed === 0 && !report.success ? 1 : failed };
}

/** Prints the last line, `N passed, N failed`, and returns the exit code: 1 after a failure, or when nothing ran. */
export function conclude(code, { passed, failed }) {
  const failures = failed === 0 && code !== 0 ? 1 : failed;
  console.log(`${passed} passed, ${failures} failed`);
  return failures > 0 || passed === 0 ? 1 : 0;
}
