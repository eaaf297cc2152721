/** Parameters of entries.wgsl: one or two terms, four entries or four summands at once. */
import { sizeOf } from '../../protocol/program/tensors.ts';
import { sumDigits, type Factors, type SumDigits } from './gpu-factors.ts';
import { digits, isAligned, type Digit, type Place } from './gpu-index.ts';
import { inQuads } from './gpu-matrix-pass.ts';
import { NONE, bindIf, coefficient, words64, written, type Pass, type PassPlan } from './gpu-pass.ts';

const DIGITS = 7;
/** Words of the parameters before the digits. */
const HEAD = 56;

/** How four values of a place lie: one for all, side by side, apart. */
const SAME = 0;
const SIDE_BY_SIDE = 1;
const APART = 2;

const NOWHERE: ReadonlyMap<string, number> = new Map();
const multiples = (values: readonly number[]): boolean => values.every((v) => v % 4 === 0);

/** What a thread does: four entries, or four summands of one entry. */
interface Layout {
  readonly alongK: boolean;
  readonly entries: readonly Digit[];
  readonly sumF: SumDigits;
  readonly sumG: SumDigits;
  /** Strides between four values, by place: f0, f1, f2, g0, g1, out, rem. */
  readonly apart: readonly number[];
  readonly modes: readonly number[];
  readonly threads: number;
}

/** Four values with this stride, when the place's other strides are these. */
function modeOf(place: Place | undefined, apart: number, others: readonly number[]): number {
  if (place === undefined || apart === 0) return SAME;
  return apart === 1 && isAligned(place) && multiples(others) ? SIDE_BY_SIDE : APART;
}

function fourEntries(plan: PassPlan, f: Factors, g: Factors, places: readonly (Place | undefined)[]): Layout | null {
  const list = digits(
    plan.free,
    places.map((p) => p?.strides ?? NOWHERE),
  );
  const last = list.at(-1);
  if (last === undefined || last.size % 4 !== 0 || list.length > DIGITS) return null;
  const [sumF, sumG] = [sumDigits(f.sum), sumDigits(g.sum)];
  const modes = places.map((place, i) => {
    const sum = i < 3 ? [sumF.outer[i], sumF.inner[i]] : [sumG.outer[i - 3], sumG.inner[i - 3]];
    const picks = i === 1 && f.gather !== null ? [f.gather] : [];
    const others = [...list.slice(0, -1).map((d) => d.strides[i]), ...(i < 5 ? sum.map((s) => s ?? 0) : []), ...picks];
    return modeOf(place, last.strides[i], others);
  });
  return {
    alongK: false,
    entries: inQuads(list),
    sumF,
    sumG,
    apart: last.strides,
    modes,
    threads: sizeOf(plan.free) / 4,
  };
}

/** One term whose innermost summands lie side by side. */
function fourSummands(plan: PassPlan, f: Factors, g: Factors, places: readonly (Place | undefined)[]): Layout | null {
  const inner = f.sum.at(-1);
  if (inner === undefined || inner.size % 4 !== 0 || g.term !== null || f.gather !== null || f.places.length > 2)
    return null;
  const list = digits(
    plan.free,
    places.map((p) => p?.strides ?? NOWHERE),
  );
  if (list.length > DIGITS) return null;
  const whole = sumDigits(f.sum);
  const modes = places.map((place, i) => {
    const others = [...list.map((d) => d.strides[i]), ...(i < 3 ? [whole.outer[i] ?? 0] : [])];
    return i < 3 ? modeOf(place, whole.inner[i] ?? 0, others) : SAME;
  });
  if (!modes.includes(SIDE_BY_SIDE)) return null;
  const sumF = {
    counts: [whole.counts[0], whole.counts[1] / 4] as const,
    outer: whole.outer,
    inner: whole.inner.map((s) => 4 * s),
  };
  const apart = [...whole.inner, 0, 0, 0, 0, 0, 0, 0].slice(0, 7);
  return { alongK: true, entries: list, sumF, sumG: sumDigits([]), apart, modes, threads: sizeOf(plan.free) };
}

/** A pass that takes four at once, or null where the terms do not come in quads, or need 64-bit factors. */
export function quadsPass(plan: PassPlan, f: Factors, g: Factors): Pass | null {
  const { scratch, ending } = plan;
  const places: (Place | undefined)[] = [0, 1, 2].map((i) => f.places[i]);
  places.push(g.places[0], g.places[1], ...written(ending));
  if (places.some((p) => p?.slot.wide === true) || (ending !== null && (ending.odd !== 1 || ending.shift > 32)))
    return null;
  const layout = fourSummands(plan, f, g, places) ?? fourEntries(plan, f, g, places);
  if (layout === null) return null;
  const template = templateOf(plan, f, layout);
  const { modes, threads } = layout;
  const out =
    modes[5] === SIDE_BY_SIDE && (places[6] === undefined || modes[6] === SIDE_BY_SIDE) ? SIDE_BY_SIDE : APART;
  const constants = {
    F: f.places.length,
    G: g.places.length,
    ALONG_K: Number(layout.alongK),
    GATHER: Number(f.gather !== null),
    ...Object.fromEntries(['F0', 'F1', 'F2', 'G0', 'G1'].map((name, i) => [name, modes[i]])),
    OUT: ending === null || layout.alongK ? SIDE_BY_SIDE : out,
  };
  const { queue } = scratch.store;
  return {
    record(step, probe) {
      const params = template.slice();
      const bound = places.map((p) => bindIf(p, step));
      params[3] = probe?.entry ?? NONE;
      params[55] = Number(probe !== undefined);
      if (f.term !== null) params.set(words64(coefficient(f.term, step)), 8);
      if (g.term !== null) params.set(words64(coefficient(g.term, step)), 10);
      params.set(words64(plan.bias(step)), 12);
      bound.forEach((b, i) => (params[i < 3 ? 24 + i : 25 + i] = b?.base ?? 0));
      const sums = plan.adds || ending === null ? scratch.sums(plan.which) : scratch.unused(1);
      const buffers = bound.slice(0, 5).map((b) => b?.buffer ?? scratch.unused(0));
      buffers.push(sums, bound[5]?.buffer ?? scratch.unused(2), bound[6]?.buffer ?? scratch.unused(3), scratch.flags);
      queue.dispatch('train/entries', queue.groupsFor(threads, 64), params, buffers, constants);
    },
  };
}

function templateOf(plan: PassPlan, f: Factors, layout: Layout): Uint32Array {
  const { ending, adds } = plan;
  const { entries, sumF, sumG, apart, threads } = layout;
  const params = new Uint32Array(HEAD + 8 * DIGITS);
  params.set([threads, entries.length, ending?.slot ?? 0], 0);
  params.set([ending?.shift ?? 0, Number(ending?.negative ?? false), f.gather ?? 0], 4);
  params.set([...words64(ending?.min ?? 0n), ...words64(ending?.max ?? 0n)], 16);
  params.set([...sumF.counts, ...sumG.counts], 20);
  params.set(apart.slice(0, 3), 32);
  params.set(apart.slice(3), 36);
  params.set(sumF.outer, 40);
  params.set(sumF.inner, 44);
  params.set(sumG.outer, 48);
  params.set(sumG.inner, 50);
  params.set([adds, ending !== null, written(ending)[1] !== undefined].map(Number), 52);
  entries.forEach((d, i) => params.set([d.size, ...d.strides], HEAD + 8 * i));
  return params;
}
