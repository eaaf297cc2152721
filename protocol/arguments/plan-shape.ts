/**
 * What the relations argument looks like before any challenge: its sumcheck's size and the factors that the proof gives
 * values for. `Planner` lays the same products out; here they carry no weights.
 */
import { P } from '../field.ts';
import type { Circuit } from '../program/circuit.ts';
import type { Axis, OneHotTensor, Operand } from '../program/tensors.ts';
import { planned, productShape, termKind, type ProductShape } from './plan.ts';

/** A factor that the proof gives a value for. */
export interface ClaimedFactor {
  readonly operand: Operand;
  readonly product: ProductShape;
  /** Domain of its relation. */
  readonly domain: readonly Axis[];
  /** The axis along which its term's coefficient varies. */
  readonly scaled: string | null;
}

export interface PlanShape {
  /** Variables of the sumcheck. */
  readonly bits: number;
  /** Degree of its round polynomials. */
  readonly degree: number;
  /** By the factors' keys. */
  readonly claimed: ReadonlyMap<string, ClaimedFactor>;
}

/** @param losses whether the segment states its losses (null: not), which adds a relation */
export function planShape(circuit: Circuit, losses: readonly number[] | null): PlanShape {
  const claimed = new Map<string, ClaimedFactor>();
  let bits = 0;
  let degree = 0;
  for (const { relation } of planned(circuit, losses)) {
    const domain = new Set(relation.domain.map((a) => a.name));
    for (const t of relation.terms) {
      if (t.coef % P === 0n || termKind(t) !== 'product') continue;
      const product = productShape(t, relation.domain);
      const weighted = [...product.kept.keys()].some((name) => domain.has(name));
      bits = Math.max(bits, product.bits);
      degree = Math.max(degree, t.factors.length + (weighted ? 1 : 0));
      t.factors.forEach((operand, i) => {
        if (operand.tensor.kind !== 'public')
          claimed.set(product.keys[i], { operand, product, domain: relation.domain, scaled: t.scale?.axis ?? null });
      });
    }
  }
  return { bits, degree, claimed };
}

/** One-hot factors among the claimed ones. */
export interface OneHotShape {
  readonly claims: number;
  readonly tensors: readonly OneHotTensor[];
  /** Bits of a token id. */
  readonly vocabBits: number;
}

/** What the one-hot argument shows; null where no relation uses a one-hot tensor. */
export function oneHotShape(plan: PlanShape): OneHotShape | null {
  const tensors = new Map<string, OneHotTensor>();
  let claims = 0;
  let vocabBits = 0;
  for (const { operand, product } of plan.claimed.values()) {
    const { tensor } = operand;
    if (tensor.kind !== 'onehot') continue;
    const use = operand.uses.at(-1);
    if (claims === 0 && use !== undefined && 'axis' in use) vocabBits = product.kept.get(use.axis)?.bits ?? 0;
    claims++;
    tensors.set(tensor.name, tensor);
  }
  return claims === 0 ? null : { claims, tensors: [...tensors.values()], vocabBits };
}
