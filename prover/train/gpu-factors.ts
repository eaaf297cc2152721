/** A term's factors as the entry kernels take them. */
import type { Term } from '../../protocol/program/relations.ts';
import { EngineError } from './errors.ts';
import { digits, gatherAxis, locate, summedAxes, type Digit, type Place } from './gpu-index.ts';
import type { PassPlan } from './gpu-pass.ts';
import type { Axis } from '../../protocol/program/tensors.ts';

/** Factors in the kernels' order (token ids, what they pick, the rest) and the digits of the term's sum. */
export interface Factors {
  readonly term: Term | null;
  readonly places: readonly Place[];
  readonly sum: readonly Digit[];
  /** Stride of the axis that token ids pick an index of; null: no ids. */
  readonly gather: number | null;
}

/** @throws EngineError for a term that no kernel computes */
export function factorsOf(plan: PassPlan, term: Term | undefined, domain: readonly Axis[]): Factors {
  if (term === undefined) return { term: null, places: [], sum: [], gather: null };
  const axis = gatherAxis(term);
  const picked = term.factors.filter((f) => axis !== null && f.uses.some((u) => 'axis' in u && u.axis === axis));
  const ids = picked.filter((f) => f.tensor.kind === 'onehot');
  const order = [
    ...ids,
    ...picked.filter((f) => f.tensor.kind !== 'onehot'),
    ...term.factors.filter((f) => !picked.includes(f)),
  ];
  if (axis !== null && (picked.length !== 2 || ids.length !== 1))
    throw new EngineError('no kernel picks entries of several factors at once');
  const places = order.map((f) => locate(plan.scratch.store, f, plan.layer));
  const unreadable = places.find((p) => p.slot.unsigned);
  if (unreadable !== undefined) throw new EngineError(`${unreadable.slot.tensor.name} is too wide to be a factor`);
  const sum = digits(
    summedAxes(term, domain, plan.layer),
    places.map((p) => p.strides),
  );
  if (sum.length > 2) throw new EngineError(`no kernel sums over ${sum.length} groups of axes`);
  return { term, places, sum, gather: axis === null ? null : (places[1].strides.get(axis) ?? 0) };
}

/** Counts and strides of the outer and the inner digit of a sum. */
export interface SumDigits {
  readonly counts: readonly [outer: number, inner: number];
  readonly outer: readonly number[];
  readonly inner: readonly number[];
}

export function sumDigits(sum: readonly Digit[]): SumDigits {
  if (sum.length === 0) return { counts: [1, 1], outer: [], inner: [] };
  if (sum.length === 1) return { counts: [1, sum[0].size], outer: [], inner: sum[0].strides };
  return { counts: [sum[0].size, sum[1].size], outer: sum[0].strides, inner: sum[1].strides };
}
