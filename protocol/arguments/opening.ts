/**
 * All claims on all oracles, batched by powers of λ into one sumcheck Σ_o Σ_x f_o(x)·w_o(x), down to one evaluation of each
 * oracle. An oracle with fewer address bits than the largest is spread by 2^−k over the variables that it lacks.
 */
import { HALF, ZERO, add, mul, pow, powers, type Ext } from '../extension.ts';
import { combine, type VerifierContext } from '../context.ts';
import type { Circuit } from '../program/circuit.ts';
import { ORACLES, type OracleName } from '../program/tensors.ts';
import { AddressPoint, scaleWeights, type CellWeights, type Claim } from '../program/weights.ts';
import { verifyRound } from './sumcheck.ts';

export const ROUND_LABEL = 'opening.round';
export const VALUE_LABEL = 'opening.value';

export interface OracleEvaluation<V> {
  readonly oracle: OracleName;
  readonly point: readonly Ext[];
  readonly value: V;
}

/** The functionals of all claims scaled by powers of λ, by oracle; and the powers. */
export function batchClaims<V>(
  claims: readonly Claim<V>[],
  lambda: Ext,
): { coefs: Ext[]; byOracle: Map<OracleName, CellWeights[]> } {
  const coefs = powers(lambda, claims.length);
  const byOracle = new Map<OracleName, CellWeights[]>();
  claims.forEach((claim, i) => {
    for (const f of claim.functionals) {
      const { oracle } = f.placement.cells;
      const list = byOracle.get(oracle) ?? [];
      list.push(scaleWeights(f, coefs[i]));
      byOracle.set(oracle, list);
    }
  });
  return { coefs, byOracle };
}

/** Oracles with cells, in a fixed order. */
export function presentOracles(circuit: Circuit): OracleName[] {
  return ORACLES.filter((o) => circuit.stacks[o].length > 0);
}

/** Spreading factors 2^−(rounds − bits). */
export function spreadOf(circuit: Circuit, oracle: OracleName, rounds: number): Ext {
  return pow(HALF, rounds - circuit.stacks[oracle].bits);
}

/**
 * @param known evaluates an oracle that the verifier computes itself (public adapter and moments), null for committed ones
 */
export function verifyOpening<V>(
  ctx: VerifierContext<V>,
  circuit: Circuit,
  claims: readonly Claim<V>[],
  known: (oracle: OracleName, point: readonly Ext[]) => Ext | null,
): OracleEvaluation<V>[] {
  const { coefs, byOracle } = batchClaims(claims, ctx.reader.challenge('opening.batch'));
  let claim = combine(
    ctx,
    claims.map((c) => c.value),
    coefs,
  );
  const oracles = presentOracles(circuit);
  const rounds = Math.max(...oracles.map((o) => circuit.stacks[o].bits));
  const r: Ext[] = [];
  for (let i = 0; i < rounds; i++) {
    const round = verifyRound(ctx, ROUND_LABEL, claim, 2);
    r.push(round.r);
    claim = round.claim;
  }
  const terms = oracles.map((oracle) => {
    const point = r.slice(0, circuit.stacks[oracle].bits);
    const address = new AddressPoint(point);
    const weight = (byOracle.get(oracle) ?? []).reduce((s, w) => add(s, address.evaluate(w)), ZERO);
    return { oracle, point, weight: mul(weight, spreadOf(circuit, oracle, rounds)) };
  });
  const evaluations: OracleEvaluation<V>[] = [];
  let expected = ctx.constant(ZERO);
  for (const { oracle, point, weight } of terms) {
    const own = known(oracle, point);
    const value = own === null ? ctx.read(VALUE_LABEL) : ctx.constant(own);
    if (own === null) evaluations.push({ oracle, point, value });
    expected = ctx.add(expected, ctx.scale(value, weight));
  }
  ctx.assertZero(ctx.sub(claim, expected), 'OPENING', 'opening');
  return evaluations;
}
