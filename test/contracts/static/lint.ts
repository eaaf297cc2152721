import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { ROOT } from './compiler.ts';

/** Lints a source as `./zklora test` lints the contracts. */
function lint(source: string) {
  const args = ['node_modules/solhint/solhint.js', 'stdin', '--config', '.solhintrc.yaml'];
  return spawnSync(process.execPath, args, { cwd: ROOT, input: source, encoding: 'utf8' });
}

test('the linter of the contracts has its rules: a bad contract is refused, a good one is not', () => {
  const header = '// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n\n';
  const bad = lint(`${header}contract Bad {\n    uint public x = tx.origin.balance;\n}\n`);
  for (const rule of ['avoid-tx-origin', 'explicit-types', 'use-natspec']) assert.match(bad.stdout, new RegExp(rule));
  const good = lint(
    `${header}/// @title Good\n/// @notice Nothing is wrong here.\ncontract Good {\n    /// @notice One.\n    uint256 public constant ONE = 1;\n}\n`,
  );
  assert.equal(good.stdout.includes('warning') || good.stdout.includes('error'), false, good.stdout);
});
