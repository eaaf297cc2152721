/** Parameters of contract.wgsl: one or two terms, one thread an entry. */
import type { Term } from '../../protocol/program/relations.ts';
import { sizeOf, type Axis } from '../../protocol/program/tensors.ts';
import type { Binding } from '../backend/gpu-queue.ts';
import { EngineError } from './errors.ts';
import { factorsOf, sumDigits, type Factors } from './gpu-factors.ts';
import { digits, type Digit } from './gpu-index.ts';
import { quadsPass } from './gpu-quads-pass.ts';
import { NONE, bindIf, coefficient, planeOf, words64, written, type Pass, type PassPlan } from './gpu-pass.ts';

const DIGITS = 7;
/** Words of the parameters before the digits. */
const HEAD = 52;

/** Terms that one entry pass computes: at most two, the second of at most two factors and without a gather. */
export type EntryTerms = readonly [] | readonly [Term] | readonly [Term, Term];

const NOWHERE: ReadonlyMap<string, number> = new Map();

/** A pass over the entries of a domain. @throws EngineError for a term that the kernel does not hold */
export function entryPass(plan: PassPlan, terms: EntryTerms, domain: readonly Axis[]): Pass {
  const { scratch, ending, free } = plan;
  const [f, g] = [0, 1].map((i) => factorsOf(plan, terms[i], domain));
  const quads = quadsPass(plan, f, g);
  if (quads !== null) return quads;
  const results = written(ending);
  const read = [0, 1, 2].map((i) => f.places[i]).concat([0, 1].map((i) => g.places[i]));
  const all = [...read, ...results];
  const entries = digits(
    free,
    all.map((p) => p?.strides ?? NOWHERE),
  );
  if (entries.length > DIGITS) throw new EngineError(`no kernel runs over ${entries.length} groups of axes`);
  const wide = all.some((p) => p?.slot.wide === true);
  const constants = {
    F: f.places.length,
    G: g.places.length,
    WIDE: Number(wide),
    GATHER: Number(f.gather !== null),
    ACC: Number(plan.adds),
    FINAL: Number(ending !== null),
    REM: Number(results[1] !== undefined),
    ODD: Number((ending?.odd ?? 1) !== 1),
  };
  const count = sizeOf(free);
  const { queue } = scratch.store;
  const template = templateOf(plan, f, g, entries, count);
  return {
    record(step, probe) {
      const params = template.slice();
      const reads = read.map((p) => bindIf(p, step));
      const [out, rem] = results.map((p) => bindIf(p, step));
      params[3] = probe !== undefined && probe.result === 0 ? probe.entry : NONE;
      if (f.term !== null) params.set(words64(coefficient(f.term, step)), 8);
      if (g.term !== null) params.set(words64(coefficient(g.term, step)), 10);
      params.set(words64(plan.bias(step)), 12);
      reads.slice(0, 3).forEach((b, i) => (params[24 + i] = b?.base ?? 0));
      reads.slice(3).forEach((b, i) => (params[28 + i] = b?.base ?? 0));
      params[30] = out?.base ?? 0;
      params[31] = rem?.base ?? 0;
      const bindings: Binding[] = reads.map((b) => b?.buffer ?? scratch.unused(0));
      const sums = plan.adds || ending === null ? scratch.sums(plan.which) : scratch.unused(1);
      bindings.push(sums, out?.buffer ?? scratch.unused(2), rem?.buffer ?? scratch.unused(3), scratch.flags);
      queue.dispatch('train/contract', queue.groupsFor(count, 64), params, bindings, constants);
    },
  };
}

function templateOf(plan: PassPlan, f: Factors, g: Factors, entries: readonly Digit[], count: number): Uint32Array {
  const { ending } = plan;
  const params = new Uint32Array(HEAD + 8 * DIGITS);
  params.set([count, entries.length, ending?.slot ?? 0], 0);
  params.set([ending?.shift ?? 0, ending?.odd ?? 1, Number(ending?.negative ?? false), f.gather ?? 0], 4);
  params.set([...words64(ending?.min ?? 0n), ...words64(ending?.max ?? 0n)], 16);
  const [sumF, sumG] = [sumDigits(f.sum), sumDigits(g.sum)];
  params.set([...sumF.counts, ...sumG.counts], 20);
  if (ending !== null) params[27] = planeOf(ending.out.slot);
  f.places.forEach((p, i) => (params[32 + i] = planeOf(p.slot)));
  g.places.forEach((p, i) => (params[36 + i] = planeOf(p.slot)));
  params.set(sumF.outer, 40);
  params.set(sumF.inner, 44);
  params.set(sumG.outer, 48);
  params.set(sumG.inner, 50);
  entries.forEach((d, i) => params.set([d.size, ...d.strides], HEAD + 8 * i));
  return params;
}
