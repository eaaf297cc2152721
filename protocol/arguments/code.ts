/**
 * Opens evaluations of interleaved Reed–Solomon codes. Each oracle's columns are combined by the evaluation point's column
 * weights (and oracles of one shape by powers of κ) into f'; the stack G of all f' is committed at a lower rate; every oracle
 * is queried at the number of its own rate, each answer being a claim ⟨f', pow(z)⟩ on G; G is opened by WHIR folding
 * (Arnon–Chiesa–Fenzi–Yogev, ePrint 2024/1586) in unique decoding, where no out-of-domain sample is needed.
 */
import { P, inverse as finverse, mul as fmul, pow as fpow, rootOfUnity } from '../field.ts';
import { ONE, ZERO, add, equals, mul, powers, scale, sub, type Ext } from '../extension.ts';
import { VerificationError } from '../errors.ts';
import { dot, eqPoints, eqRange, evaluate, lagrange } from '../multilinear.ts';
import { leafDigest, siblingCount, verifyMultiProof } from '../merkle.ts';
import type { CodeShape, ParameterSet } from '../parameters.ts';
import type { ProofReader } from '../channel.ts';
import { queryCount } from '../queries.ts';
import { log2Ceil, type OracleName } from '../program/tensors.ts';

/** An evaluation of a committed oracle to be proven: columns beyond the shape's are zero. */
export interface CodeOpening {
  readonly oracle: OracleName;
  readonly shape: CodeShape;
  readonly root: Uint8Array;
  readonly point: readonly Ext[];
  readonly value: Ext;
}

/** Oracles of one height and rate share f' and the positions of their queries. */
export interface CodeGroup {
  readonly logHeight: number;
  readonly logInvRate: number;
  /** First coefficient of f' in the stack; a multiple of 2^logHeight. */
  readonly base: number;
  readonly members: readonly {
    readonly opening: CodeOpening;
    readonly kappa: Ext;
    readonly columnWeights: readonly Ext[];
  }[];
}

/** A linear constraint on the current polynomial: coef·eq(point, ·) or coef·pow(z) on 2^bits coefficients from base. */
export type CodeConstraint =
  | {
      readonly kind: 'eq';
      readonly base: number;
      readonly bits: number;
      readonly coef: Ext;
      readonly point: readonly Ext[];
    }
  | { readonly kind: 'pow'; readonly base: number; readonly bits: number; readonly coef: Ext; readonly z: bigint };

export function groupOpenings(
  openings: readonly CodeOpening[],
  kappa: Ext,
): { groups: CodeGroup[]; logLength: number } {
  const coefs = powers(kappa, openings.length);
  const byShape = new Map<string, { logHeight: number; logInvRate: number; members: CodeGroup['members'][number][] }>();
  openings.forEach((opening, i) => {
    const { logHeight, logInvRate, columns } = opening.shape;
    const key = `${logHeight} ${logInvRate}`;
    const group = byShape.get(key) ?? { logHeight, logInvRate, members: [] };
    const columnWeights = eqRange(opening.point.slice(logHeight), 0, columns);
    group.members.push({ opening, kappa: coefs[i], columnWeights });
    byShape.set(key, group);
  });
  const sorted = [...byShape.values()].sort((a, b) => b.logHeight - a.logHeight || a.logInvRate - b.logInvRate);
  let base = 0;
  const groups = sorted.map((g) => {
    const placed = { ...g, base };
    base += 2 ** g.logHeight;
    return placed;
  });
  return { groups, logLength: log2Ceil(base) };
}

/** Sorted and without repetitions. */
export function distinct(indices: readonly number[]): number[] {
  return [...new Set(indices)].sort((a, b) => a - b);
}

/** The claims that f' inherits from its members' evaluations: one constraint a group. */
export function evaluationConstraint(group: CodeGroup, coef: Ext): { constraint: CodeConstraint; value: Ext } {
  const first = group.members[0];
  // A stack shorter than a column is the column's beginning.
  const point = Array.from({ length: group.logHeight }, (_, i) => first.opening.point[i] ?? ZERO);
  const value = group.members.reduce((s, m) => add(s, mul(m.kappa, m.opening.value)), ZERO);
  return { constraint: { kind: 'eq', base: group.base, bits: group.logHeight, coef, point }, value: mul(coef, value) };
}

/** Number of query phases' folds and the lengths between them. */
export interface FoldStep {
  readonly logLength: number;
  readonly logInvRate: number;
  readonly queries: number;
  /** Whether the folded polynomial is committed (or sent in the clear, at the end). */
  readonly last: boolean;
}

/** The query phases of a stack of 2^logLength coefficients: at least one, however short the stack is. */
export function foldSteps(params: ParameterSet, logLength: number): FoldStep[] {
  const steps: FoldStep[] = [];
  let length = logLength;
  let rate = params.stackLogInvRate;
  do {
    const next = Math.max(0, length - params.logFold);
    const queries = queryCount(rate, params.security - params.foldGrinding);
    steps.push({ logLength: length, logInvRate: rate, queries, last: next <= params.finalBits });
    length = next;
    rate += params.logFold - 1;
  } while (length > params.finalBits);
  return steps;
}

function verifyRows(reader: ProofReader, group: CodeGroup, positions: readonly number[]): Ext[] {
  const answers = positions.map(() => ZERO);
  const depth = group.logHeight + group.logInvRate;
  for (const { opening, kappa, columnWeights } of group.members) {
    const { columns } = opening.shape;
    const words = reader.words(`code.rows.${opening.oracle}`, positions.length * columns);
    const leaves = positions.map((index, i) => ({
      index,
      digest: leafDigest(words.subarray(i * columns, (i + 1) * columns)),
    }));
    verifyMultiProof(
      opening.root,
      depth,
      leaves,
      readSiblings(reader, `code.siblings.${opening.oracle}`, depth, positions),
    );
    positions.forEach((_, i) => {
      const row = combineRow(words, i * columns, columnWeights);
      answers[i] = add(answers[i], mul(kappa, row));
    });
  }
  return answers;
}

function readSiblings(reader: ProofReader, label: string, depth: number, positions: readonly number[]): Uint8Array[] {
  const count = siblingCount(depth, positions);
  const bytes = reader.hint(label, 32 * count);
  return Array.from({ length: count }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
}

function combineRow(words: BigUint64Array, from: number, weights: readonly Ext[]): Ext {
  let x = 0n;
  let y = 0n;
  for (let c = 0; c < weights.length; c++) {
    const w = weights[c];
    const v = words[from + c];
    x += w[0] * v;
    y += w[1] * v;
  }
  return [x % P, y % P];
}

const halves: bigint[] = [];

/** 2^−k. */
function powerOfHalf(k: number): bigint {
  return (halves[k] ??= finverse(BigInt(2 ** k)));
}

/**
 * Folds the 2^challenges.length values f(x·ζ^i), ζ of that order, as the table fold (1−α)·even + α·odd of coefficients:
 * 2·even(x²) = f(x) + f(−x), 2·odd(x²) = (f(x) − f(−x))/x. The halves are taken out of all folds at once.
 * @param inverse 1/x for the point x of values[0]
 */
export function foldLeaf(values: readonly Ext[], inverse: bigint, challenges: readonly Ext[]): Ext {
  let level = values;
  let inv = inverse;
  let root = fpow(rootOfUnity(challenges.length), BigInt(2 ** challenges.length - 1));
  for (const alpha of challenges) {
    const half = level.length / 2;
    const next: Ext[] = [];
    let point = inv;
    for (let i = 0; i < half; i++) {
      const a = level[i];
      const b = level[i + half];
      const even = add(a, b);
      next.push(add(even, mul(alpha, sub(scale(sub(a, b), point), even))));
      point = fmul(point, root);
    }
    level = next;
    inv = fmul(inv, inv);
    root = fmul(root, root);
  }
  return scale(level[0], powerOfHalf(challenges.length));
}

/** Weight of a constraint at the final point of the variables that it was stated over. */
export function constraintValue(c: CodeConstraint, point: readonly Ext[]): Ext {
  let out = c.coef;
  if (c.kind === 'eq') out = mul(out, eqPoints(c.point, point.slice(0, c.bits)));
  else {
    let z = c.z;
    for (let k = 0; k < c.bits; k++) {
      const alpha = point[k];
      out = mul(out, add(sub(ONE, alpha), scale(alpha, z)));
      z = fmul(z, z);
    }
  }
  const selector = c.base / 2 ** c.bits;
  for (let k = c.bits; k < point.length; k++) {
    const alpha = point[k];
    out = mul(out, Math.floor(selector / 2 ** (k - c.bits)) % 2 === 1 ? alpha : sub(ONE, alpha));
  }
  return out;
}

function codeRound(reader: ProofReader, claim: Ext): { r: Ext; claim: Ext } {
  const zero = reader.element('code.round');
  const two = reader.element('code.round');
  const r = reader.challenge('code.round');
  return { r, claim: dot([zero, sub(claim, zero), two], lagrange(3, r)) };
}

interface Folding {
  claim: Ext;
  root: Uint8Array;
  point: Ext[];
  readonly constraints: { readonly constraint: CodeConstraint; readonly from: number }[];
}

/** One query phase: folds, reads the next root (or the last coefficients), queries the present code. */
function verifyFold(reader: ProofReader, params: ParameterSet, step: FoldStep, state: Folding): Ext[] | null {
  const folds = Math.min(params.logFold, step.logLength);
  const challenges: Ext[] = [];
  for (let i = 0; i < folds; i++) {
    const round = codeRound(reader, state.claim);
    challenges.push(round.r);
    state.claim = round.claim;
  }
  state.point.push(...challenges);
  const length = step.logLength - folds;
  const final = step.last ? reader.elements('code.final', 2 ** length) : null;
  const nextRoot = step.last ? null : reader.digest('code.root');
  reader.grind('code.grind', params.foldGrinding);
  const depth = step.logLength + step.logInvRate - folds;
  const positions = distinct(reader.indices('code.query', step.queries, depth));
  const width = 2 ** folds;
  const words = reader.words('code.leaves', positions.length * width * 2);
  const leaves = positions.map((index, i) => ({
    index,
    digest: leafDigest(words.subarray(2 * width * i, 2 * width * (i + 1))),
  }));
  verifyMultiProof(state.root, depth, leaves, readSiblings(reader, 'code.siblings', depth, positions));
  const next = rootOfUnity(depth);
  const omega = finverse(rootOfUnity(step.logLength + step.logInvRate));
  const answers = positions.map((j, i) => {
    const values = Array.from({ length: width }, (_, k): Ext => {
      const at = 2 * (width * i + k);
      return [words[at], words[at + 1]];
    });
    return { z: fpow(next, BigInt(j)), value: foldLeaf(values, fpow(omega, BigInt(j)), challenges) };
  });
  if (final !== null) {
    for (const { z, value } of answers)
      if (!equals(horner(final, z), value))
        throw new VerificationError('CODE_FOLD', 'the last polynomial disagrees with a queried fold', {
          argument: 'code',
        });
    return final;
  }
  const coefs = powers(reader.challenge('code.batch'), answers.length + 1).slice(1);
  answers.forEach(({ z, value }, i) => {
    const coef = coefs[i];
    state.claim = add(state.claim, mul(coef, value));
    state.constraints.push({ constraint: { kind: 'pow', base: 0, bits: length, coef, z }, from: state.point.length });
  });
  state.root = nextRoot as Uint8Array;
  return null;
}

function horner(coefficients: readonly Ext[], z: bigint): Ext {
  return coefficients.reduceRight((s, c) => add(scale(s, z), c), ZERO);
}

/** Verifies the openings. @throws VerificationError, MerkleError, DecodeError */
export function verifyCode(reader: ProofReader, params: ParameterSet, openings: readonly CodeOpening[]): void {
  const { groups, logLength } = groupOpenings(openings, reader.challenge('code.combine'));
  const root = reader.digest('code.stack');
  reader.grind('code.query.grind', params.queryGrinding);
  const queried = groups.map((group) => {
    const count = queryCount(group.logInvRate, params.security - params.queryGrinding);
    const positions = distinct(reader.indices('code.query', count, group.logHeight + group.logInvRate));
    return { group, positions, answers: verifyRows(reader, group, positions) };
  });
  const total = queried.reduce((n, q) => n + q.positions.length + 1, 0);
  const coefs = powers(reader.challenge('code.batch'), total);
  const state: Folding = { claim: ZERO, root, point: [], constraints: [] };
  let at = 0;
  for (const { group, positions, answers } of queried) {
    const own = evaluationConstraint(group, coefs[at++]);
    state.claim = add(state.claim, own.value);
    state.constraints.push({ constraint: own.constraint, from: 0 });
    const omega = rootOfUnity(group.logHeight + group.logInvRate);
    positions.forEach((j, i) => {
      const coef = coefs[at++];
      state.claim = add(state.claim, mul(coef, answers[i]));
      const constraint = {
        kind: 'pow',
        base: group.base,
        bits: group.logHeight,
        coef,
        z: fpow(omega, BigInt(j)),
      } as const;
      state.constraints.push({ constraint, from: 0 });
    });
  }
  let final: Ext[] | null = null;
  for (const step of foldSteps(params, logLength)) final = verifyFold(reader, params, step, state);
  if (final === null) throw new RangeError('the folding has no last step');
  const rest: Ext[] = [];
  for (let i = 0; i < log2Ceil(final.length); i++) {
    const round = codeRound(reader, state.claim);
    rest.push(round.r);
    state.claim = round.claim;
  }
  state.point.push(...rest);
  const weight = state.constraints.reduce(
    (s, c) => add(s, constraintValue(c.constraint, state.point.slice(c.from))),
    ZERO,
  );
  if (!equals(state.claim, mul(evaluate(final, rest), weight)))
    throw new VerificationError('CODE_OPENING', "the stack's last claim fails", { argument: 'code' });
}
