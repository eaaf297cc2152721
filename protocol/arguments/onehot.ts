/**
 * One-hot rows from the bits of token ids: onehot(w, v) = Σ_i w(i)·Π_k (b_ik·v_k + (1 − b_ik)(1 − v_k)) over the tokens i of
 * the segment. One sumcheck of degree log₂V + 1 over few variables for all such claims; ends in claims on the bits, which
 * range lookups hold to 0 and 1.
 */
import { ONE, ZERO, add, mul, powers, sub, type Ext } from '../extension.ts';
import { combine, type Values, type VerifierContext } from '../context.ts';
import { dot, eqPoints, eqRange } from '../multilinear.ts';
import type { Circuit } from '../program/circuit.ts';
import { log2Ceil, type Axis, type OneHotTensor } from '../program/tensors.ts';
import { weightVector, type AxisWeight, type Claim } from '../program/weights.ts';
import { onTensor } from './plan.ts';
import type { OneHotClaim } from './relations.ts';
import { verifyRound } from './sumcheck.ts';

export const ROUND_LABEL = 'onehot.round';
export const BIT_LABEL = 'onehot.bit';

/** Token axes lowest first with their place among the sumcheck's variables. */
export function tokenVariables(tensor: OneHotTensor): { axis: Axis; at: number; bits: number }[] {
  const axes = tensor.axes.slice(0, -1).reverse();
  let at = 0;
  return axes.map((axis) => {
    const bits = log2Ceil(axis.size);
    at += bits;
    return { axis, at: at - bits, bits };
  });
}

/** Distinct one-hot tensors of the claims, in order of first use. */
export function tensorsOf<V>(claims: readonly OneHotClaim<V>[]): OneHotTensor[] {
  return [...new Map(claims.map((c) => [c.tensor.name, c.tensor])).values()];
}

/** b·v + (1−b)(1−v) as intercept and slope in b. */
export function bitFactor(v: Ext): { zero: Ext; slope: Ext } {
  return { zero: sub(ONE, v), slope: sub(add(v, v), ONE) };
}

export function verifyOneHot<V>(
  ctx: VerifierContext<V>,
  circuit: Circuit,
  claims: readonly OneHotClaim<V>[],
): Claim<V>[] {
  const [first] = claims;
  if (first === undefined) return [];
  const variables = tokenVariables(first.tensor);
  const rounds = variables.reduce((n, v) => n + v.bits, 0);
  const coefs = powers(ctx.reader.challenge('onehot.batch'), claims.length);
  const degree = first.vocab.length + 1;
  let claim = combine(
    ctx,
    claims.map((c) => c.value),
    coefs,
  );
  const r: Ext[] = [];
  for (let i = 0; i < rounds; i++) {
    const round = verifyRound(ctx, ROUND_LABEL, claim, degree);
    r.push(round.r);
    claim = round.claim;
  }
  const bits = new Map<string, V[]>();
  const tensors = tensorsOf(claims);
  for (const t of tensors)
    bits.set(
      t.name,
      Array.from({ length: first.vocab.length }, () => ctx.read(BIT_LABEL)),
    );
  let expected = ctx.constant(ZERO);
  claims.forEach((c, i) => {
    let value = ctx.constant(mul(coefs[i], tokenWeight(c.tokens, variables, r)));
    (bits.get(c.tensor.name) as V[]).forEach((b, k) => {
      const { zero, slope } = bitFactor(c.vocab[k]);
      value = ctx.mul(value, ctx.add(ctx.constant(zero), ctx.scale(b, slope)));
    });
    expected = ctx.add(expected, value);
  });
  ctx.assertZero(ctx.sub(claim, expected), 'ONE_HOT', 'onehot');
  return tensors.map((t) => bitClaim(ctx, circuit, t, r, bits.get(t.name) as V[], ctx.reader.challenge('onehot.bits')));
}

/** One claim a tensor: its bits at r, batched by a challenge. */
export function bitClaim<V>(
  ctx: Values<V>,
  circuit: Circuit,
  tensor: OneHotTensor,
  r: readonly Ext[],
  bits: readonly V[],
  batch: Ext,
): Claim<V> {
  const variables = tokenVariables(tensor);
  const coefs = powers(batch, bits.length);
  const weights: AxisWeight[] = tensor.axes.slice(0, -1).map((axis): AxisWeight => {
    const v = variables.find((x) => x.axis.name === axis.name);
    return { kind: 'point', coords: r.slice(v?.at ?? 0, (v?.at ?? 0) + (v?.bits ?? 0)) };
  });
  const { functionals, offset } = onTensor(circuit, tensor.bits, ONE, [...weights, { kind: 'vector', values: coefs }]);
  return { label: tensor.bits.name, functionals, value: ctx.sub(combine(ctx, bits, coefs), ctx.constant(offset)) };
}

/** Extension of the tokens' weights at r. */
export function tokenWeight(
  tokens: readonly AxisWeight[],
  variables: ReturnType<typeof tokenVariables>,
  r: readonly Ext[],
): Ext {
  const outermost = [...variables].reverse();
  return outermost.reduce((out, v, i) => {
    const weight = tokens[i];
    const coords = r.slice(v.at, v.at + v.bits);
    if (weight.kind === 'point' && v.axis.size === 2 ** v.bits) return mul(out, eqPoints(weight.coords, coords));
    return mul(out, dot(weightVector(v.axis, weight), eqRange(coords, 0, v.axis.size)));
  }, ONE);
}
