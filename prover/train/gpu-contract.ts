/** Contractions on the GPU: which terms become matrix products, which are summed entry by entry, and how they chain. */
import type { ContractOp, Term } from '../../protocol/program/relations.ts';
import { sizeOf, type Axis } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';
import { entryPass, type EntryTerms } from './gpu-entry-pass.ts';
import { freeAxes, locate, whole, type Layer } from './gpu-index.ts';
import { matrixPass, matrixShape, type MatrixShape } from './gpu-matrix-pass.ts';
import { checkOf } from './gpu-check.ts';
import { coefficient, type Ending, type Pass, type PassPlan, type Runner, type Scratch } from './gpu-pass.ts';

function isPlain(term: Term): boolean {
  return term.factors.length <= 2 && term.factors.every((f) => f.tensor.kind !== 'onehot');
}

function pair(terms: readonly Term[]): EntryTerms[] {
  const special = terms.filter((t) => !isPlain(t));
  const plain = terms.filter(isPlain);
  const out: EntryTerms[] = [];
  for (const first of [...special, ...plain.splice(0, Math.max(0, Math.ceil((plain.length - special.length) / 2)))]) {
    const second = plain.shift();
    out.push(second === undefined ? [first] : [first, second]);
  }
  return out;
}

/**
 * Passes that sum terms over a domain, into the sums `which` or to an ending.
 *
 * @param bias added to every entry besides the terms without factors
 */
export function sumPasses(
  scratch: Scratch,
  terms: readonly Term[],
  domain: readonly Axis[],
  layer: Layer,
  which: 0 | 1,
  ending: Ending | null,
  bias = 0n,
): Pass[] {
  const free = freeAxes(domain, layer);
  const constants = terms.filter((t) => t.factors.length === 0);
  const entries: Term[] = [];
  const matrices: [Term, MatrixShape][] = [];
  for (const term of terms) {
    if (term.factors.length === 0) continue;
    // Any pass may be the last one, so each must be able to write the result.
    const shape = matrixShape(scratch.store, term, free, domain, layer, ending);
    if (shape === null) entries.push(term);
    else matrices.push([term, shape]);
  }
  const groups = pair(entries);
  // The matrix kernel shifts and writes one word; an ending that needs more comes with an entry pass.
  const entriesLast = ending !== null && (ending.odd !== 1 || ending.out.slot.wide);
  if (groups.length === 0 && (entriesLast || matrices.length === 0)) groups.push([]);
  const entryMakers = groups.map((group) => (plan: PassPlan) => entryPass(plan, group, domain));
  const matrixMakers = matrices.map(
    ([, shape]) =>
      (plan: PassPlan) =>
        matrixPass(plan, shape),
  );
  const makers = entriesLast ? [...matrixMakers, ...entryMakers] : [...entryMakers, ...matrixMakers];
  return makers.map((make, i) => {
    const last = i === makers.length - 1;
    return make({
      scratch,
      free,
      layer,
      adds: i > 0,
      which,
      ending: last ? ending : null,
      bias: (step) => (last ? constants.reduce((sum, t) => sum + coefficient(t, step), bias) : 0n),
    });
  });
}

/** The odd part of a divisor and its power of two. */
function splitDivisor(divisor: bigint): { odd: number; shift: number } {
  let shift = 0;
  while ((divisor >> BigInt(shift)) % 2n === 0n) shift++;
  const odd = divisor >> BigInt(shift);
  if (odd >= 1n << 32n || shift > 62) throw new EngineError(`no kernel divides by ${divisor}`);
  return { odd: Number(odd), shift };
}

/**
 * A contraction. Its plus terms enter the sum multiplied by the divisor, which changes neither floor nor remainder.
 *
 * @param keepRemainder whether the remainder is needed
 */
export function contractRunner(scratch: Scratch, op: ContractOp, layer: Layer, keepRemainder: boolean): Runner {
  const { store } = scratch;
  if (op.out.tensor.kind !== 'tensor') throw new EngineError(`${op.out.tensor.name} cannot be written`);
  const free = freeAxes(op.domain, layer);
  const slot = scratch.reserve(1, sizeOf(free));
  if (keepRemainder && op.divisor > 1n << 32n) throw new EngineError(`${op.name} has a remainder of over 32 bits`);
  const ending: Ending = {
    out: locate(store, op.out, layer),
    rem: keepRemainder && op.remainder !== null ? locate(store, whole(op.remainder), layer) : null,
    min: op.out.tensor.min,
    max: op.out.tensor.max,
    ...splitDivisor(op.divisor),
    negative: op.sign < 0n,
    slot,
  };
  const plus = op.plus.map((t) => ({ ...t, coef: t.coef * op.sign * op.divisor }));
  return {
    name: op.name,
    layer,
    passes: sumPasses(scratch, [...op.terms, ...plus], op.domain, layer, 0, ending, op.bias),
    checks: [checkOf(slot, op.out, free, layer)],
  };
}
