/**
 * Sumcheck rounds (Lund–Fortnow–Karloff–Nisan). A round polynomial h of degree d is sent as h(0), h(2), …, h(d);
 * h(1) follows from the claim h(0) + h(1).
 */
import { VerificationError } from '../errors.ts';
import { ONE, inverse, isZero, mul, sub, type Ext } from '../extension.ts';
import { lagrange } from '../multilinear.ts';
import type { VerifierContext } from '../context.ts';

/** The values a prover sends of a round polynomial given at 0 … d. */
export function roundMessage(values: readonly Ext[]): Ext[] {
  return values.filter((_, i) => i !== 1);
}

/** Reads one round; returns the challenge and the next claim h(r). */
export function verifyRound<V>(ctx: VerifierContext<V>, label: string, claim: V, degree: number): { r: Ext; claim: V } {
  const zero = ctx.read(label);
  const values = [zero, ctx.sub(claim, zero)];
  for (let i = 2; i <= degree; i++) values.push(ctx.read(label));
  const r = ctx.reader.challenge(label);
  const coefs = lagrange(degree + 1, r);
  return { r, claim: values.reduce((s, v, i) => ctx.add(s, ctx.scale(v, coefs[i])), ctx.constant([0n, 0n])) };
}

/**
 * One round of Σ_x eq(ρ, x)·t(x) with t of degree 2 in each variable (Gruen, ePrint 2024/108): the claim is
 * (1−ρ_i)·t(0) + ρ_i·t(1); the proof holds t(0) and the coefficient of X²; the next claim is t(r).
 * @throws VerificationError for ρ_i = 0, where t(1) would be free; an honest draw is 0 with probability 2^−128
 */
export function verifyEqRound<V>(ctx: VerifierContext<V>, label: string, claim: V, rho: Ext): { r: Ext; claim: V } {
  if (isZero(rho)) throw new VerificationError('ZERO_CHALLENGE', `${label}: a challenge is zero`, { argument: label });
  const zero = ctx.read(label);
  const square = ctx.read(label);
  const r = ctx.reader.challenge(label);
  const one = ctx.scale(ctx.sub(claim, ctx.scale(zero, sub(ONE, rho))), inverse(rho));
  // t(r) = t0 + r·(t1 − t0 − t∞) + r²·t∞
  const slope = ctx.sub(ctx.sub(one, zero), square);
  return { r, claim: ctx.add(zero, ctx.add(ctx.scale(slope, r), ctx.scale(square, mul(r, r)))) };
}
