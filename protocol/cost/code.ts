/** Work of the code argument, function by function of `arguments/code.ts` and `merkle.ts`. */
import { DIGEST_BYTES } from '../hash.ts';
import { foldSteps } from '../arguments/code.ts';
import type { ParameterSet } from '../parameters.ts';
import type { Circuit } from '../program/circuit.ts';
import type { OracleName } from '../program/tensors.ts';
import { queryCount } from '../queries.ts';
import { codeGroups, openingCount } from '../size.ts';
import { log2Ceil } from '../program/tensors.ts';
import type { Tally } from './tally.ts';

/** Digests of a multi-proof: of the leaves, and of the nodes above, two compressions each. */
function openings(t: Tally, depth: number, queries: number, words: number): number {
  const { leaves, siblings } = openingCount(depth, queries);
  t.add('words', leaves.max * words);
  t.add('compressions', leaves.max * Math.ceil((64 + 8 * words + 9) / 64));
  // Every node but the leaves has two children, which are leaves, nodes or siblings.
  t.add('compressions', 2 * (leaves.max + siblings.max));
  t.pass(2 * 8 * leaves.max * words + 3 * (DIGEST_BYTES + 64) * (leaves.max + siblings.max));
  return leaves.max;
}

function positions(t: Tally, queries: number): void {
  t.add('messages', Math.ceil(queries / 8) + 1);
  t.add('compressions', 2 * Math.ceil(queries / 8) + 2);
}

export function codeCost(circuit: Circuit, committed: readonly OracleName[], params: ParameterSet, t: Tally): void {
  const { groups, logLength } = codeGroups(circuit, committed);
  t.challenges(2);
  t.elements(2);
  // Constraints on the whole point, and on its rest after each fold.
  let constraints = 0;
  for (const { logHeight, logInvRate, members } of groups) {
    const depth = logHeight + logInvRate;
    const queries = queryCount(logInvRate, params.security - params.queryGrinding);
    positions(t, queries);
    let leaves = 0;
    for (const { oracle, columns } of members) {
      t.eqRange(circuit.stacks[oracle].bits - logHeight, columns);
      leaves = openings(t, depth, queries, columns);
      t.add('products', leaves + 2);
    }
    // The point that each position stands for, and its answer's part of the claim.
    t.add('powers', (leaves * depth) / 64);
    t.add('products', 2 * (leaves + 1));
    t.add('products', 2 * logHeight + 2);
    constraints += leaves + 1;
  }
  let point = logLength;
  t.add('products', constraints * constraintProducts(point));
  for (const step of foldSteps(params, logLength)) {
    const folds = Math.min(params.logFold, step.logLength);
    const width = 2 ** folds;
    for (let i = 0; i < folds; i++) t.round(2);
    t.elements(step.last ? 2 ** (step.logLength - folds) : 1);
    t.elements(1);
    positions(t, step.queries);
    const depth = step.logLength + step.logInvRate - folds;
    const leaves = openings(t, depth, step.queries, 2 * width);
    t.add('powers', 2 + (leaves * 2 * (depth + folds)) / 64);
    // Two products a pair: by the challenge, and by a power of the root.
    t.add('products', leaves * 2 * width);
    point -= folds;
    if (step.last) {
      t.add('products', leaves * 2 ** point);
      for (let i = 0; i < point; i++) t.round(2);
      t.eqRange(point, 2 ** point);
      t.add('products', 2 ** point + 1);
    } else {
      t.challenges(1);
      t.add('products', leaves * (2 + constraintProducts(point)));
      constraints += leaves;
    }
  }
  t.hold(3 * constraints + log2Ceil(constraints));
}

/** constraintValue over `bits` coordinates. */
function constraintProducts(bits: number): number {
  return 2 * bits + 1;
}
