/** Weight functions of claims, accumulated on the device. */
import { ONE, mul, sub, type Ext } from '../../protocol/extension.ts';
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

/** target[address] += weight of every functional. */
export function addFunctionals(backend: Backend, target: ExtVec, functionals: readonly CellWeights[]): void {
  for (const w of functionals) {
    const lists = atoms(w);
    let bits = 0;
    let split = 0;
    while (split < lists.length && bits < LOW_BITS) bits += Math.log2(lists[split++].length);
    const lo = outer(lists.slice(0, split));
    const above = outer(lists.slice(split));
    const block = 2 ** w.placement.loBits;
    const blocks = (values: readonly Ext[]): Ext[] => values.flatMap((h) => above.map((a) => mul(mul(h, w.coef), a)));
    if (w.index === null) backend.addOuter(target, w.placement.base, blocks(w.hi), lo);
    else w.index.forEach((b, i) => backend.addOuter(target, w.placement.base + b * block, blocks([w.hi[i]]), lo));
  }
}

/** target[base + i] += coef·eq(point, i). */
export function addEq(backend: Backend, target: ExtVec, base: number, point: readonly Ext[], coef: Ext): void {
  const low = Math.min(LOW_BITS, Math.floor(point.length / 2));
  backend.addOuter(target, base, eqTable(point.slice(low), coef), eqTable(point.slice(0, low)));
}
