/** Weight functions of claims, accumulated on the device. */
import { ONE, ZERO, add, isZero, mul, sub, type Ext } from '../../protocol/extension.ts';
import { eqTable } from '../../protocol/multilinear.ts';
import { loTable, type CellWeights } from '../../protocol/program/weights.ts';
import type { Backend, ExtVec } from '../backend/backend.ts';

/** The host expands at most 2^11 weights for the low part of an index. */
const LOW_BITS = 11;

/** Outer product, the first list lowest. */
function outer(lists: readonly (readonly Ext[])[]): Ext[] {
  return lists.reduce<Ext[]>((out, list) => list.flatMap((h) => out.map((l) => mul(l, h))), [ONE]);
}

/** Lists of weights, lowest index bits first: one a bit for points, one a digit for vectors. */
function atoms(w: CellWeights): Ext[][] {
  const out: Ext[][] = [];
  for (let k = w.lo.length - 1; k >= 0; k--) {
    const weight = w.lo[k];
    const digit = w.placement.lo[k];
    if (weight.kind === 'point') for (const r of weight.coords) out.push([sub(ONE, r), r]);
    else out.push([...loTable(digit, weight)]);
  }
  return out;
}

/** A functional as an outer product: high weights (blocks, then the upper bits inside them) times low ones. */
interface Split {
  readonly placement: CellWeights['placement'];
  readonly lo: readonly Ext[];
  hi: Ext[];
}

/** Expands lists once, however many functionals share them. */
class Expander {
  readonly #known = new Map<string, Ext[]>();

  expand(lists: readonly (readonly Ext[])[]): { key: string; table: Ext[] } {
    const key = lists.map((list) => list.map((w) => `${w[0].toString(36)},${w[1].toString(36)}`).join()).join(';');
    let table = this.#known.get(key);
    if (table === undefined) {
      table = outer(lists);
      this.#known.set(key, table);
    }
    return { key, table };
  }
}

/**
 * target[address] += weight of every functional. Functionals on the same cells with the same low weights (a tensor at the
 * relations' point, seen from several layers) are joined first, so that the device passes over the cells once.
 */
export function addFunctionals(backend: Backend, target: ExtVec, functionals: readonly CellWeights[]): void {
  const expander = new Expander();
  const joined = new Map<string, Split>();
  for (const w of functionals) {
    const lists = atoms(w);
    let bits = 0;
    let split = 0;
    while (split < lists.length && bits < LOW_BITS) bits += Math.log2(lists[split++].length);
    const { key, table: lo } = expander.expand(lists.slice(0, split));
    const above = expander.expand(lists.slice(split)).table;
    const blocks = (values: readonly Ext[]): Ext[] =>
      values.flatMap((h) => {
        const scaled = mul(h, w.coef);
        return above.map((a) => (isZero(scaled) ? ZERO : mul(scaled, a)));
      });
    if (w.index !== null) {
      const block = 2 ** w.placement.loBits;
      w.index.forEach((b, i) => backend.addOuter(target, w.placement.base + b * block, blocks([w.hi[i]]), lo));
      continue;
    }
    const name = `${w.placement.cells.name} ${key}`;
    const hi = blocks(w.hi);
    const found = joined.get(name);
    if (found === undefined) joined.set(name, { placement: w.placement, lo, hi });
    else found.hi = found.hi.map((h, i) => add(h, hi[i]));
  }
  for (const { placement, hi, lo } of joined.values()) backend.addOuter(target, placement.base, hi, lo);
}

/** target[base + i] += coef·eq(point, i). */
export function addEq(backend: Backend, target: ExtVec, base: number, point: readonly Ext[], coef: Ext): void {
  const low = Math.min(LOW_BITS, Math.floor(point.length / 2));
  backend.addOuter(target, base, eqTable(point.slice(low), coef), eqTable(point.slice(0, low)));
}
