/**
 * How many bytes a proof has, from its statement alone. Every message has one length but those that open codes: queries may
 * fall on one position, and paths share nodes.
 */
import { EXT_BYTES, NONCE_BYTES } from './channel.ts';
import { DIGEST_BYTES } from './hash.ts';
import { foldSteps } from './arguments/code.ts';
import { tokenVariables } from './arguments/onehot.ts';
import { presentOracles } from './arguments/opening.ts';
import { oneHotShape, planShape } from './arguments/plan-shape.ts';
import { circuitOf, proofHeader, type StatedCircuit } from './instance.ts';
import { codeShape, type ParameterSet } from './parameters.ts';
import type { Circuit } from './program/circuit.ts';
import { log2Ceil, type OracleName } from './program/tensors.ts';
import { queryCount } from './queries.ts';
import type { Statement } from './statement.ts';

/** Bytes, or counts. No accepted proof has fewer than `min` or more than `max`; `expected` is the mean over honest proofs. */
export interface Bound {
  readonly min: number;
  readonly max: number;
  readonly expected: number;
}

const exactly = (n: number): Bound => ({ min: n, max: n, expected: n });

function sum(...bounds: readonly Bound[]): Bound {
  const total = (of: (b: Bound) => number): number => bounds.reduce((n, b) => n + of(b), 0);
  return { min: total((b) => b.min), max: total((b) => b.max), expected: total((b) => b.expected) };
}

/** Leaves and siblings of a multi-proof for `queries` positions, drawn with repetitions, in a tree of 2^depth leaves. */
export interface OpeningCount {
  readonly leaves: Bound;
  readonly siblings: Bound;
  /** Bytes of both, for leaves of `leafBytes`; its extremes are not those of the two apart. */
  bytes(leafBytes: number): Bound;
}

/** Number of ones in binary. */
function ones(n: number): number {
  let count = 0;
  for (let left = n; left > 0; left = Math.floor(left / 2)) count += left % 2;
  return count;
}

/** Σ over the levels of twice the nodes above less the nodes there: known nodes whose sibling isn't known. */
function siblingsOf(depth: number, nodesAt: (level: number) => number): number {
  let count = 0;
  for (let level = 1; level <= depth; level++) count += 2 * nodesAt(level - 1) - nodesAt(level);
  return count;
}

export function openingCount(depth: number, queries: number): OpeningCount {
  const most = Math.min(queries, 2 ** depth);
  // The fewest siblings: the other leaves form as few whole subtrees as their number has ones.
  const least = (leaves: number): number => ones(2 ** depth - leaves);
  // The most: the paths part as soon as a level has room for all.
  const widest = (leaves: number): number => siblingsOf(depth, (level) => Math.min(leaves, 2 ** level));
  // Of 2^level nodes, those that at least one of the queries passes through.
  const mean = (level: number): number => -(2 ** level) * Math.expm1(queries * Math.log1p(-(2 ** -level)));
  const extremes = (of: (leaves: number, siblings: number) => number): Bound => {
    let [min, max] = [Infinity, 0];
    for (let leaves = 1; leaves <= most; leaves++) {
      min = Math.min(min, of(leaves, least(leaves)));
      max = Math.max(max, of(leaves, widest(leaves)));
    }
    return { min, max, expected: of(mean(depth), siblingsOf(depth, mean)) };
  };
  return {
    leaves: extremes((leaves) => leaves),
    siblings: extremes((_, siblings) => siblings),
    bytes: (leafBytes) => extremes((leaves, siblings) => leaves * leafBytes + siblings * DIGEST_BYTES),
  };
}

/** Committed oracles of one height and rate, which are queried at the same positions. */
export interface CodeGroupShape {
  readonly logHeight: number;
  readonly logInvRate: number;
  readonly members: readonly { readonly oracle: OracleName; readonly columns: number }[];
}

/** The groups of the code argument and log₂ of their stack's length, as `groupOpenings` forms them. */
export function codeGroups(
  circuit: Circuit,
  committed: readonly OracleName[],
): { groups: CodeGroupShape[]; logLength: number } {
  const groups = new Map<string, CodeGroupShape & { members: CodeGroupShape['members'][number][] }>();
  for (const oracle of committed) {
    const { logHeight, logInvRate, columns } = codeShape(oracle, circuit.stacks[oracle].length);
    const key = `${logHeight} ${logInvRate}`;
    const group = groups.get(key) ?? { logHeight, logInvRate, members: [] };
    group.members.push({ oracle, columns });
    groups.set(key, group);
  }
  const all = [...groups.values()];
  return { groups: all, logLength: log2Ceil(all.reduce((n, g) => n + 2 ** g.logHeight, 0)) };
}

/** What the size of a proof follows from; a `StatedCircuit`'s or an `Instance`'s. */
export interface ProofShape extends StatedCircuit {
  readonly headerBytes: number;
  readonly losses: readonly number[] | null;
}

/** The shape of a statement's proofs. @throws VerificationError for a statement that no verifier of this version accepts */
export function proofShape(statement: Statement): ProofShape {
  const headerBytes = proofHeader(statement).length;
  return { ...circuitOf(statement), headerBytes, losses: statement.segment.losses };
}

/** Bytes of the messages of a proof by label, rows and siblings of an oracle's opening together as `code.open.(oracle)`. */
export function messageSizes(shape: ProofShape): Map<string, Bound> {
  const { circuit, params, committed } = shape;
  const sizes = new Map<string, Bound>();
  const put = (label: string, bound: Bound): void => {
    sizes.set(label, sum(sizes.get(label) ?? exactly(0), bound));
  };
  const elements = (label: string, count: number): void => {
    put(label, exactly(EXT_BYTES * count));
  };
  put('statement', exactly(shape.headerBytes));
  for (const oracle of committed) put(`root.${oracle}`, exactly(DIGEST_BYTES));
  put('lookup.grind', exactly(NONCE_BYTES));
  const { leafBits } = circuit;
  elements('lookup.root', 2);
  elements('lookup.round', leafBits * (leafBits - 1));
  elements('lookup.layer', 4 * leafBits);
  const plan = planShape(circuit, shape.losses);
  elements('relations.sum', 1);
  elements('relations.round', plan.bits * plan.degree);
  elements('relations.value', plan.claimed.size);
  const onehot = oneHotShape(plan);
  if (onehot !== null) {
    const rounds = tokenVariables(onehot.tensors[0]).reduce((n, v) => n + v.bits, 0);
    elements('onehot.round', rounds * (onehot.vocabBits + 1));
    elements('onehot.bit', onehot.tensors.length * onehot.vocabBits);
  }
  elements('opening.round', 2 * Math.max(...presentOracles(circuit).map((o) => circuit.stacks[o].bits)));
  elements('opening.value', committed.length);
  codeSizes(params, circuit, committed, put);
  return sizes;
}

function codeSizes(
  params: ParameterSet,
  circuit: Circuit,
  committed: readonly OracleName[],
  put: (label: string, bound: Bound) => void,
): void {
  const { groups, logLength } = codeGroups(circuit, committed);
  put('code.stack', exactly(DIGEST_BYTES));
  put('code.query.grind', exactly(NONCE_BYTES));
  for (const { logHeight, logInvRate, members } of groups) {
    const queries = queryCount(logInvRate, params.security - params.queryGrinding);
    const opening = openingCount(logHeight + logInvRate, queries);
    for (const { oracle, columns } of members) put(`code.open.${oracle}`, opening.bytes(8 * columns));
  }
  for (const step of foldSteps(params, logLength)) {
    const folds = Math.min(params.logFold, step.logLength);
    const rest = step.logLength - folds;
    put('code.round', exactly(2 * EXT_BYTES * folds));
    if (step.last) put('code.final', exactly(EXT_BYTES * 2 ** rest));
    else put('code.root', exactly(DIGEST_BYTES));
    put('code.grind', exactly(NONCE_BYTES));
    const opening = openingCount(rest + step.logInvRate, step.queries);
    put('code.open', opening.bytes(EXT_BYTES * 2 ** folds));
    if (step.last) put('code.round', exactly(2 * EXT_BYTES * rest));
  }
}

/** Bytes of the proofs of a shape. */
export function sizeOfShape(shape: ProofShape): Bound {
  return sum(...messageSizes(shape).values());
}

/**
 * Bytes that a proof of this statement may have, at little cost for any statement.
 * @throws VerificationError for a statement that no verifier of this version accepts
 */
export function proofSizeBound(statement: Statement): Bound {
  return sizeOfShape(proofShape(statement));
}
