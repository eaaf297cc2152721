/**
 * LogUp (Haböck, ePrint 2022/1530) as a fractional-sum GKR (Papini–Haböck, ePrint 2023/1039): every range check and table
 * lookup of the segment is a fraction of one sum, Σ 1/(α − f) − Σ m/(α − t) = 0, in one binary tree.
 *
 * A row's fingerprint is c0 + β·c1 + β²·c2 + β³·tag. A cheating prover who uses a value outside its table needs
 * Σ = 0 as a rational function of α for another multiset, which fails but for (leaves)/|F| of the α; multiplicities are
 * committed before α and β, and count at most the leaves, far below p, so none wraps.
 */
import { ONE, ZERO, add, lift, mul, powers, scale, sub, type Ext } from '../extension.ts';
import { combine, type Values, type VerifierContext } from '../context.ts';
import { evaluateIntegers, eqPoints, eqRange } from '../multilinear.ts';
import type { Circuit, Leaf, Table } from '../program/circuit.ts';
import { log2Ceil, type Tensor } from '../program/tensors.ts';
import type { AxisWeight, CellWeights, Claim } from '../program/weights.ts';
import { verifyEqRound } from './sumcheck.ts';

export interface LookupChallenges {
  readonly alpha: Ext;
  /** 1, β, β², β³. */
  readonly beta: readonly Ext[];
}

export const ROOT_LABEL = 'lookup.root';
export const ROUND_LABEL = 'lookup.round';
export const LAYER_LABEL = 'lookup.layer';

export function drawLookup(reader: { challenge(label: string): Ext }): LookupChallenges {
  const alpha = reader.challenge('lookup.alpha');
  return { alpha, beta: powers(reader.challenge('lookup.beta'), 4) };
}

/** One column of a leaf's fingerprint: coef · cells, where the leaf's index is shifted right to the cells' index. */
export interface LeafColumn {
  readonly cells: Tensor['parts'][number]['cells'];
  readonly coef: Ext;
  readonly shift: number;
}

/** denominator = constant − Σ columns. */
export interface LeafForm {
  readonly constant: Ext;
  readonly columns: readonly LeafColumn[];
}

function tensorColumns(tensor: Tensor, coef: Ext, shift: number): LeafColumn[] {
  return tensor.parts.map((p) => ({ cells: p.cells, coef: scale(coef, p.coef), shift }));
}

/** α − fingerprint of a committed leaf as an affine form in cells. */
export function leafForm(leaf: Leaf, c: LookupChallenges): LeafForm {
  const tagged = (tag: bigint): Ext => sub(c.alpha, scale(c.beta[3], tag));
  if (leaf.kind === 'range')
    return { constant: tagged(BigInt(leaf.bits)), columns: [{ cells: leaf.placement.cells, coef: ONE, shift: 0 }] };
  if (leaf.kind === 'rangeTable') return { constant: tagged(BigInt(leaf.bits)), columns: [] };
  if (leaf.kind === 'table') return { constant: tagged(leaf.table.tag), columns: [] };
  const { key, keyMinus, outputs } = leaf.lookup;
  const columns = tensorColumns(key, ONE, 0);
  let constant = sub(tagged(leaf.table.tag), lift(key.offset - leaf.table.min));
  if (keyMinus !== null) {
    const last = key.axes[key.axes.length - 1];
    columns.push(...tensorColumns(keyMinus, lift(-1n), log2Ceil(last?.size ?? 1)));
    constant = add(constant, lift(keyMinus.offset));
  }
  outputs.forEach((o, i) => {
    const beta = c.beta[i + 1];
    columns.push(...tensorColumns(o, beta, 0));
    constant = sub(constant, mul(beta, lift(o.offset)));
  });
  return { constant, columns };
}

/** β·c1 + β²·c2 of a table at a point of its rows. */
function tableValue(table: Table, point: readonly Ext[], c: LookupChallenges): Ext {
  return table.columns.reduce(
    (s, column, i) => add(s, mul(c.beta[i + 1], evaluateIntegers(column, table.start, point))),
    ZERO,
  );
}

/** Multilinear extension of "last index ≤ the one before" over 2·bits variables, column variables first. */
export function causalValue(point: readonly Ext[], bits: number): Ext {
  // From the lowest bit up: `fits` is the extension of (low bits of column ≤ low bits of row).
  let fits = ONE;
  for (let k = 0; k < bits; k++) {
    const j = point[k];
    const i = point[bits + k];
    fits = add(mul(eqPoints([i], [j]), fits), mul(i, sub(ONE, j)));
  }
  return fits;
}

/** Turns p and q, claimed of the leaves at z, into claims on committed cells. */
export function leafClaims<V>(
  ctx: Values<V>,
  circuit: Circuit,
  c: LookupChallenges,
  z: readonly Ext[],
  p: V,
  q: V,
): Claim<V>[] {
  let publicP = ZERO;
  let publicQ = ONE;
  const multiplicities: CellWeights[] = [];
  const columns: CellWeights[] = [];
  for (const leaf of circuit.leaves) {
    const point = z.slice(0, leaf.loBits);
    const hi = eqRange(z.slice(leaf.loBits), leaf.start / 2 ** leaf.loBits, leaf.blocks);
    const whole = hi.reduce((s, w) => add(s, w), ZERO);
    const form = leafForm(leaf, c);
    publicQ = add(publicQ, mul(whole, sub(form.constant, ONE)));
    if (leaf.kind === 'rangeTable' || leaf.kind === 'table') {
      const row = point.reduce((s, x, k) => add(s, scale(x, 1n << BigInt(k))), ZERO);
      const rest = leaf.kind === 'table' ? tableValue(leaf.table, point, c) : ZERO;
      publicQ = sub(publicQ, mul(whole, add(row, rest)));
      multiplicities.push(onLeaf(leaf.placement, ONE, hi, point));
      continue;
    }
    const causal = leaf.kind === 'lookup' && leaf.lookup.causal;
    publicP = add(publicP, causal ? mul(whole, causalFactor(leaf, point)) : whole);
    for (const column of form.columns)
      columns.push(onLeaf(circuit.placement(column.cells), column.coef, hi, point.slice(column.shift)));
  }
  return [
    { label: 'lookup.numerator', functionals: multiplicities, value: ctx.sub(ctx.constant(publicP), p) },
    { label: 'lookup.denominator', functionals: columns, value: ctx.sub(ctx.constant(publicQ), q) },
  ];
}

function causalFactor(leaf: Leaf & { kind: 'lookup' }, point: readonly Ext[]): Ext {
  const last = leaf.lookup.key.axes[leaf.lookup.key.axes.length - 1];
  return causalValue(point, log2Ceil(last?.size ?? 1));
}

/** Weights eq over a leaf's blocks and low bits, as a functional on cells laid out alike. */
function onLeaf(
  placement: CellWeights['placement'],
  coef: Ext,
  hi: readonly Ext[],
  point: readonly Ext[],
): CellWeights {
  let at = placement.loBits;
  const lo = placement.lo.map((digit): AxisWeight => {
    const bits = log2Ceil(digit.size);
    at -= bits;
    return { kind: 'point', coords: point.slice(at, at + bits) };
  });
  return { placement, coef, hi, index: null, lo };
}

/** Verifies the tree from its root down and returns the claims on the leaves' cells. */
export function verifyLookup<V>(ctx: VerifierContext<V>, circuit: Circuit, c: LookupChallenges): Claim<V>[] {
  const reader = ctx.reader;
  let p = ctx.constant(ZERO);
  let q = ctx.read(ROOT_LABEL);
  const inverse = ctx.read(ROOT_LABEL);
  ctx.assertZero(ctx.sub(ctx.mul(q, inverse), ctx.constant(ONE)), 'LOOKUP_ROOT', 'lookup');
  let point: Ext[] = [];
  for (let layer = 0; layer < circuit.leafBits; layer++) {
    const lambda = reader.challenge('lookup.lambda');
    let claim = combine(ctx, [p, q], [ONE, lambda]);
    const next: Ext[] = [];
    for (let i = 0; i < layer; i++) {
      const round = verifyEqRound(ctx, ROUND_LABEL, claim, point[i]);
      next.push(round.r);
      claim = round.claim;
    }
    const [p0, p1, q0, q1] = [
      ctx.read(LAYER_LABEL),
      ctx.read(LAYER_LABEL),
      ctx.read(LAYER_LABEL),
      ctx.read(LAYER_LABEL),
    ];
    const cross = ctx.add(ctx.mul(p0, q1), ctx.mul(p1, q0));
    const expected = ctx.add(cross, ctx.scale(ctx.mul(q0, q1), lambda));
    ctx.assertZero(ctx.sub(claim, expected), 'LOOKUP_LAYER', 'lookup', layer);
    const fold = reader.challenge('lookup.fold');
    p = combine(ctx, [p0, p1], [sub(ONE, fold), fold]);
    q = combine(ctx, [q0, q1], [sub(ONE, fold), fold]);
    point = [fold, ...next];
  }
  return leafClaims(ctx, circuit, c, point, p, q);
}
