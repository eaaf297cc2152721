import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { ProtocolError } from '../../protocol/errors.ts';
import { ProverError } from '../../prover/errors.ts';
import { explain } from '../../prover/explain.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('an error on the command line', () => {
  test('says what happened and what to do next, without a stack', () => {
    const error = new ProverError('The disk is full.', 'Free some space.');
    expect(explain(error, { verbose: false })).toBe('The disk is full.\nFree some space.');
    expect(explain(error, { verbose: true })).toMatch(/The disk is full\.[^]*at .*explain\.test\.ts/);
  });

  test('of the protocol carries its code', () => {
    const error = new ProtocolError('SUMCHECK_ROUND', 'round 3 does not add up');
    expect(explain(error, { verbose: false })).toBe('round 3 does not add up [SUMCHECK_ROUND]');
  });

  test('of the file system names the path', () => {
    const error = thrownBy(() => readFileSync('/nonexistent/model'));
    expect(explain(error, { verbose: false })).toBe("ENOENT: no such file or directory, open '/nonexistent/model'");
  });

  test('of the program itself shows its stack', () => {
    const error = thrownBy(() => JSON.parse('{'));
    expect(explain(error, { verbose: false })).toMatch(/^SyntaxError: [^]*\n {4}at JSON\.parse/);
    expect(explain('thrown text', { verbose: false })).toBe("'thrown text'");
  });
});
