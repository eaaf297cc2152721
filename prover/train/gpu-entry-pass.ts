/** Parameters of contract.wgsl: one or two terms, one thread an entry. */
import type { Term } from '../../protocol/program/relations.ts';
import { sizeOf, type Axis } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';
import type { EntryTerms, PassPlan } from './gpu-contract.ts';
import { digits, gatherAxis, locate, summedAxes, type Digit, type Place } from './gpu-index.ts';
import { NONE, bind, coefficient, planeOf, words64, type Pass, type Scratch } from './gpu-pass.ts';
import type { Binding } from '../backend/gpu-queue.ts';

const DIGITS = 7;
/** Words of the parameters before the digits. */
const HEAD = 52;

/** A term's factors in the kernel's order (token ids, what they pick, the rest) and the digits of its sum. */
interface Factors {
  readonly term: Term | null;
  readonly places: readonly Place[];
  readonly sum: readonly Digit[];
  /** Stride of the axis that token ids pick an index of; null: no ids. */
  readonly gather: number | null;
}

function factorsOf(scratch: Scratch, term: Term | undefined, domain: readonly Axis[], plan: PassPlan): Factors {
  if (term === undefined) return { term: null, places: [], sum: [], gather: null };
  const axis = gatherAxis(term);
  const picked = term.factors.filter((f) => axis !== null && f.uses.some((u) => 'axis' in u && u.axis === axis));
  const order = [
    ...picked.sort((a) => (a.tensor.kind === 'onehot' ? -1 : 1)),
    ...term.factors.filter((f) => !picked.includes(f)),
  ];
  const places = order.map((f) => locate(scratch.store, f, plan.layer));
  const unreadable = places.find((p) => p.slot.unsigned);
  if (unreadable !== undefined) throw new EngineError(`${unreadable.slot.tensor.name} is too wide to be a factor`);
  if (axis !== null && picked.length !== 2) throw new EngineError('no kernel picks entries of several factors at once');
  const sum = digits(
    summedAxes(term, domain, plan.layer),
    places.map((p) => p.strides),
  );
  if (sum.length > 2) throw new EngineError(`no kernel sums over ${sum.length} groups of axes`);
  return { term, places, sum, gather: axis === null ? null : (places[1].strides.get(axis) ?? 0) };
}

/** Counts and strides of the outer and the inner digit of a sum. */
function sumOf(sum: readonly Digit[]): {
  counts: [number, number];
  outer: readonly number[];
  inner: readonly number[];
} {
  const [a, b] = sum;
  if (a === undefined) return { counts: [1, 1], outer: [], inner: [] };
  if (b === undefined) return { counts: [1, a.size], outer: [], inner: a.strides };
  return { counts: [a.size, b.size], outer: a.strides, inner: b.strides };
}

const NOWHERE: ReadonlyMap<string, number> = new Map();

/** A pass over the entries of a domain. @throws EngineError for a term that the kernel does not hold */
export function entryPass(plan: PassPlan, terms: EntryTerms, domain: readonly Axis[]): Pass {
  const { scratch, ending, free } = plan;
  const [f, g] = [0, 1].map((i) => factorsOf(scratch, terms[i], domain, plan));
  const written = [ending?.out, ending?.rem];
  const read = [0, 1, 2].map((i) => f.places[i]).concat([0, 1].map((i) => g.places[i]));
  const all = [...read, ...written];
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
    REM: Number(ending?.rem != null),
    ODD: Number((ending?.odd ?? 1) !== 1),
  };
  const count = sizeOf(free);
  const { queue } = scratch.store;
  const template = templateOf(plan, f, g, entries, count);
  return {
    record(step, probe) {
      const params = template.slice();
      const reads = read.map((p) => (p === undefined ? undefined : bind(p, step)));
      const [out, rem] = written.map((p) => (p == null ? undefined : bind(p, step)));
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
  const [sumF, sumG] = [sumOf(f.sum), sumOf(g.sum)];
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
