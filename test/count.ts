import { stripVTControlCharacters } from 'node:util';

/** How many tests of one runner passed and failed. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** A runner that ends with an error without naming a failed test has failed once itself. */
function withExitCode(count: Count, code: number): Count {
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/**
 * Counts the tests in a report of vitest's JSON reporter; a file that failed before its first test counts as one.
 * @param report the report's text; undefined where vitest wrote none
 * @param code vitest's exit code
 */
export function countVitest(report: string | undefined, code: number): Count {
  if (report === undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(report) as VitestReport;
  const brokenFiles = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return withExitCode({ passed: numPassedTests, failed: numFailedTests + brokenFiles.length }, code);
}

/** Counts from the summary that `hardhat test` writes last, "12 passing (8 nodejs, 4 solidity)" and "1 failing". */
export function countHardhat(output: string, code: number): Count {
  const last = (word: string): number => {
    const matches = [...stripVTControlCharacters(output).matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, 'gm'))];
    return Number(matches.at(-1)?.[1] ?? 0);
  };
  return withExitCode({ passed: last('passing'), failed: last('failing') }, code);
}
