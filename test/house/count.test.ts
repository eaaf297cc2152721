import { describe, expect, test } from 'vitest';

import { countHardhat, countVitest } from '../count.ts';

const report = (files: readonly object[], passed: number, failed: number): string =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults: files });

describe('the count at the end of the tests', () => {
  test('takes the numbers of vitest', () => {
    expect(countVitest(report([{ status: 'passed', assertionResults: [{}, {}] }], 2, 0), 0)).toEqual({
      passed: 2,
      failed: 0,
    });
  });

  test('counts a file that could not be loaded as one failure', () => {
    const files = [
      { status: 'failed', assertionResults: [] },
      { status: 'passed', assertionResults: [{}] },
    ];
    expect(countVitest(report(files, 1, 0), 1)).toEqual({ passed: 1, failed: 1 });
  });

  test('counts a runner that died as one failure', () => {
    expect(countVitest(undefined, 137)).toEqual({ passed: 0, failed: 1 });
    expect(countVitest(report([], 5, 0), 1)).toEqual({ passed: 5, failed: 1 });
    expect(countHardhat('Error HHE1: compilation failed', 1)).toEqual({ passed: 0, failed: 1 });
  });

  test('takes the last summary of hardhat, through its colours', () => {
    const output = '  3 passing\n  1 failing\n\n\u001B[32m12 passing\u001B[39m (8 nodejs, 4 solidity)\n2 failing\n';
    expect(countHardhat(output, 1)).toEqual({ passed: 12, failed: 2 });
    expect(countHardhat('4 passing (4 nodejs)\n', 0)).toEqual({ passed: 4, failed: 0 });
  });
});
