/**
 * The soundness error of a segment proof, term by term, by integer arithmetic alone. `verify` consults it and refuses a
 * statement that falls short. Every term is a proven bound in unique decoding; none rests on a conjecture.
 *
 * The terms are errors of single rounds. Under round-by-round soundness a prover who asks the random oracle Q times succeeds
 * with probability at most Q·(largest term), whatever number of rounds, proofs and segments the questions are spread over,
 * for every question extends one transcript. So neither the union over rounds nor a run's number of segments is charged.
 */
import { P } from './field.ts';
import { presentOracles } from './arguments/opening.ts';
import { foldSteps } from './arguments/code.ts';
import type { Circuit } from './program/circuit.ts';
import { relationAxes } from './arguments/plan.ts';
import { log2Ceil, type OracleName } from './program/tensors.ts';
import { codeShape, type ParameterSet } from './parameters.ts';
import { queryCount } from './queries.ts';

/** |F_p²|. */
const FIELD_SIZE = P * P;

export interface SoundnessTerm {
  readonly name: string;
  /** What the term counts. */
  readonly formula: string;
  /** −log₂ of the error, rounded down, without proof of work. */
  readonly statistical: number;
  /** Proof of work in bits. */
  readonly grinding: number;
}

export interface Soundness {
  readonly terms: readonly SoundnessTerm[];
  /** Bits that every term must reach. */
  readonly target: number;
  /** The weakest term, proof of work counted. */
  readonly bits: number;
}

/** ⌊log₂(|F|/count)⌋. */
function over(count: number): number {
  return (FIELD_SIZE / BigInt(count)).toString(2).length - 1;
}

/** At least the number of claims that one batching challenge joins: every factor of every relation, and the lookups'. */
function claimCount(circuit: Circuit): number {
  const factors = circuit.program.relations.reduce((n, r) => n + r.terms.reduce((m, t) => m + t.factors.length, 0), 0);
  return factors + 8;
}

/** @param committed oracles that are committed (not public) */
export function soundness(circuit: Circuit, params: ParameterSet, committed: readonly OracleName[]): Soundness {
  const terms: SoundnessTerm[] = [];
  const push = (name: string, formula: string, statistical: number, grinding = 0): void => {
    terms.push({ name, formula, statistical, grinding });
  };
  const { leafBits } = circuit;
  push('lookup multiset', '4·leaves/|F|', over(4 * 2 ** leafBits), params.lookupGrinding);
  push('lookup tree', 'Σ_layers (3·rounds + 2)/|F|', over((3 * leafBits * (leafBits - 1)) / 2 + 2 * leafBits));
  const pointBits = relationAxes(circuit).reduce((n, a) => n + log2Ceil(a.size), 0);
  const relations = circuit.program.relations.length + circuit.program.ties.length + 1;
  push('relations at a point', '(variables + relations)/|F|', over(pointBits + relations));
  // No program has 128 variables, or 64 of tokens: a statement's sizes are bounded.
  push('relations sumcheck', '5·variables/|F|', over(5 * 128));
  const bit = circuit.program.labels.bits.axes.at(-1)?.size ?? 0;
  push('one-hot sumcheck', '((log₂V + 1)·variables + claims)/|F|', over((bit + 1) * 64 + claimCount(circuit)));
  const stacks = presentOracles(circuit).map((o) => circuit.stacks[o].bits);
  push('opening', '(claims + 2·variables)/|F|', over(claimCount(circuit) + 2 * Math.max(...stacks)));
  codeTerms(circuit, params, committed, push);
  const bits = Math.min(...terms.map((t) => t.statistical + t.grinding));
  return { terms, target: params.security, bits };
}

function codeTerms(
  circuit: Circuit,
  params: ParameterSet,
  committed: readonly OracleName[],
  push: (name: string, formula: string, statistical: number, grinding?: number) => void,
): void {
  const heights = new Map<string, number>();
  for (const oracle of committed) {
    const shape = codeShape(oracle, circuit.stacks[oracle].length);
    const domain = 2 ** (shape.logHeight + shape.logInvRate);
    // A round of the opening folds the columns once: an affine line, domain/|F|. κ then joins the oracles: a curve.
    push(`${oracle} columns`, 'oracles·domain/|F|', over(committed.length * domain));
    const statistical = params.security - params.queryGrinding;
    const queries = queryCount(shape.logInvRate, statistical);
    push(`${oracle} queries`, `(1 − δ)^${queries}, rate 1/${2 ** shape.logInvRate}`, statistical, params.queryGrinding);
    heights.set(`${shape.logHeight} ${shape.logInvRate}`, 2 ** shape.logHeight);
  }
  const total = [...heights.values()].reduce((n, h) => n + h, 0);
  foldSteps(params, log2Ceil(total)).forEach((step, i) => {
    const domain = 2 ** (step.logLength + step.logInvRate);
    push(`stack fold ${i}`, '(domain + 2)/|F|', over(domain + 2));
    const statistical = params.security - params.foldGrinding;
    push(
      `stack queries ${i}`,
      `(1 − δ)^${step.queries}, rate 1/${2 ** step.logInvRate}`,
      statistical,
      params.foldGrinding,
    );
    push(`stack batching ${i}`, 'claims/|F|', over(2048));
  });
}
