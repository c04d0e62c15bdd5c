import { expect, test } from 'vitest';
import { countTests } from './results.mjs';

const file = (status, ...tests) => ({ status, assertionResults: tests.map((each) => ({ status: each })) });
const report = (success, passed, failed, ...testResults) => ({
  success,
  numPassedTests: passed,
  numFailedTests: failed,
  testResults,
});

test('passed and failed tests are counted', () => {
  const failing = report(false, 2, 1, file('failed', 'passed', 'failed'), file('passed', 'passed'));
  expect(countTests(failing)).toEqual({ passed: 2, failed: 1 });
});

test('a file that never got to its tests counts as a failure, beside the others', () => {
  const broken = report(
    false,
    1,
    1,
    file('failed'),
    file('failed', 'skipped'),
    file('failed', 'failed', 'passed'),
  );
  expect(countTests(broken)).toEqual({ passed: 1, failed: 3 });
});

test('a run that failed without saying where counts as a failure', () => {
  expect(countTests(report(false, 5, 0, file('passed', 'passed')))).toEqual({ passed: 5, failed: 1 });
});
