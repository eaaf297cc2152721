/**
 * All relations of the program in one batched sumcheck of products (Thaler's matrix-product sumcheck, element-wise products
 * and attention alike): ends in claims on committed tensors, and on one-hot rows for the next argument.
 */
import { HALF, ONE, ZERO, mul, pow, sub, type Ext } from '../extension.ts';
import type { Values, VerifierContext } from '../context.ts';
import { eqPoints, eqRange, dot } from '../multilinear.ts';
import type { Circuit } from '../program/circuit.ts';
import type { OneHotTensor } from '../program/tensors.ts';
import { weightVector, type AxisWeight, type Claim } from '../program/weights.ts';
import {
  Planner,
  onTensor,
  publicValue,
  relationAxes,
  type Factor,
  type KeptAxis,
  type Product,
  type RelationPlan,
} from './plan.ts';
import { log2Ceil } from '../program/tensors.ts';
import { verifyRound } from './sumcheck.ts';

export const ROUND_LABEL = 'relations.round';
export const SUM_LABEL = 'relations.sum';
export const VALUE_LABEL = 'relations.value';

/** Σ_i tokens(i)·onehot(i, v) at the point v: the tokens' weights per axis [step, row, token]. */
export interface OneHotClaim<V> {
  readonly tensor: OneHotTensor;
  readonly tokens: readonly AxisWeight[];
  readonly vocab: readonly Ext[];
  readonly value: V;
}

export interface RelationClaims<V> {
  readonly claims: Claim<V>[];
  readonly onehot: OneHotClaim<V>[];
}

/** Draws the relations' point and batching challenge and lays the relations out. */
export function drawPlan(
  source: { challenge(label: string): Ext },
  circuit: Circuit,
  rows: readonly (readonly number[])[],
  losses: readonly number[] | null,
): RelationPlan {
  const point = new Map<string, Ext[]>();
  for (const axis of relationAxes(circuit))
    point.set(
      axis.name,
      Array.from({ length: log2Ceil(axis.size) }, () => source.challenge('relations.point')),
    );
  const rho = source.challenge('relations.batch');
  return new Planner(circuit, { rows, losses, point, rho }).run();
}

/** Factors that the proof gives a value for: each tensor operand once. */
export function claimedFactors(plan: RelationPlan): Map<string, Factor> {
  const out = new Map<string, Factor>();
  for (const p of plan.products) for (const f of p.factors) if (f.operand.tensor.kind !== 'public') out.set(f.key, f);
  return out;
}

/** The coordinates of a kept axis inside the final point. */
function segment(kept: KeptAxis, r: readonly Ext[]): readonly Ext[] {
  return r.slice(kept.at, kept.at + kept.bits);
}

/** Weights of a factor's tensor axes at the end of the sumcheck. */
export function finalWeights(factor: Factor, r: readonly Ext[]): AxisWeight[] {
  return factor.uses.map((u, i): AxisWeight => {
    if (u.kind === 'bound') return u.weight;
    const axis = factor.operand.tensor.axes[i];
    const coords = segment(u.kept, r);
    if (u.offset === 0 && axis.size === u.kept.axis.size && !axis.short) return { kind: 'point', coords };
    const values = new Array<Ext>(axis.size).fill(ZERO);
    eqRange(coords, 0, u.kept.axis.size).forEach((w, k) => (values[k + u.offset] = w));
    return { kind: 'vector', values };
  });
}

/** The extension of a product's weight at r. */
function weightValue(product: Product, r: readonly Ext[]): Ext {
  return product.weight.reduce((out, { kept, weight }) => {
    const coords = segment(kept, r);
    if (weight.kind === 'point' && kept.axis.size === 2 ** kept.bits) return mul(out, eqPoints(weight.coords, coords));
    return mul(out, dot(weightVector(kept.axis, weight), eqRange(coords, 0, kept.axis.size)));
  }, ONE);
}

/** 2^−k: a product with k variables fewer than the sumcheck is spread over the others. */
export function spread(plan: RelationPlan, product: Product): Ext {
  return pow(HALF, plan.bits - product.bits);
}

export function verifyRelations<V>(
  ctx: VerifierContext<V>,
  circuit: Circuit,
  rows: readonly (readonly number[])[],
  losses: readonly number[] | null,
): RelationClaims<V> {
  const plan = drawPlan(ctx.reader, circuit, rows, losses);
  const sum = ctx.read(SUM_LABEL);
  const r: Ext[] = [];
  let claim = sum;
  for (let i = 0; i < plan.bits; i++) {
    const round = verifyRound(ctx, ROUND_LABEL, claim, plan.degree);
    r.push(round.r);
    claim = round.claim;
  }
  const factors = claimedFactors(plan);
  const values = new Map<string, V>();
  for (const key of factors.keys()) values.set(key, ctx.read(VALUE_LABEL));
  ctx.assertZero(ctx.sub(claim, productsAt(ctx, plan, values, r)), 'RELATIONS', 'relations');
  return relationClaims(ctx, circuit, plan, sum, values, r);
}

/** The claims left open by the sum of the products and the final value of each factor. */
export function relationClaims<V>(
  ctx: Values<V>,
  circuit: Circuit,
  plan: RelationPlan,
  sum: V,
  values: ReadonlyMap<string, V>,
  r: readonly Ext[],
): RelationClaims<V> {
  const value = ctx.sub(ctx.constant(sub(ZERO, plan.constant)), sum);
  const claims: Claim<V>[] = [{ label: 'relations.linear', functionals: plan.linear, value }];
  const onehot: OneHotClaim<V>[] = [];
  for (const [key, factor] of claimedFactors(plan)) {
    const value = values.get(key) as V;
    const weights = finalWeights(factor, r);
    const { tensor } = factor.operand;
    if (tensor.kind === 'onehot') {
      const vocab = factor.uses[factor.uses.length - 1];
      if (vocab?.kind !== 'kept') throw new RangeError(`${tensor.name} is used without its vocabulary axis`);
      onehot.push({ tensor, tokens: weights.slice(0, -1), vocab: segment(vocab.kept, r), value });
    } else if (tensor.kind === 'tensor') {
      const { functionals, offset } = onTensor(circuit, tensor, ONE, weights);
      claims.push({ label: `relations ${key}`, functionals, value: ctx.sub(value, ctx.constant(offset)) });
    }
  }
  return { claims, onehot };
}

/** Σ coef·weight(r)·Π factor values. */
function productsAt<V>(
  ctx: VerifierContext<V>,
  plan: RelationPlan,
  values: ReadonlyMap<string, V>,
  r: readonly Ext[],
): V {
  let total = ctx.constant(ZERO);
  for (const product of plan.products) {
    let coef = mul(mul(product.coef, spread(plan, product)), weightValue(product, r));
    let value: V | null = null;
    for (const f of product.factors) {
      if (f.operand.tensor.kind === 'public') coef = mul(coef, publicValue(f.operand.tensor, finalWeights(f, r)));
      else {
        const v = values.get(f.key) as V;
        value = value === null ? v : ctx.mul(value, v);
      }
    }
    total = ctx.add(total, value === null ? ctx.constant(coef) : ctx.scale(value, coef));
  }
  return total;
}
