/** Counts how often each table row is looked up: the witness's multiplicity cells. */
import { rangeCells, type Circuit, type Leaf } from '../protocol/program/circuit.ts';
import { sizeOf, type Tensor } from '../protocol/program/tensors.ts';
import type { CellMap } from './train/engine.ts';

/** Value of a single-limb or multi-limb tensor's cells at a natural index, as a number. */
function reader(tensor: Tensor, cells: CellMap): (i: number) => number {
  const parts = tensor.parts.map((p) => ({ data: cells.get(p.cells.name) as Uint32Array, coef: Number(p.coef) }));
  const offset = Number(tensor.offset);
  return (i) => parts.reduce((s, p) => s + p.coef * p.data[i], offset);
}

function countLookup(leaf: Leaf & { kind: 'lookup' }, cells: CellMap, counts: Uint32Array): void {
  const { key, keyMinus, causal } = leaf.lookup;
  const last = key.axes[key.axes.length - 1]?.size ?? 1;
  const value = reader(key, cells);
  const minus = keyMinus === null ? null : reader(keyMinus, cells);
  const min = Number(leaf.table.min);
  const total = sizeOf(key.axes);
  for (let i = 0; i < total; i++) {
    const row = Math.floor(i / last);
    if (causal && i % last > row % last) continue;
    const index = value(i) - (minus === null ? 0 : minus(row)) - min;
    if (!(index >= 0 && index < counts.length))
      throw new RangeError(`lookup ${leaf.lookup.name}: key ${index + min} lies outside its table`);
    counts[index] = counts[index] + 1;
  }
}

/** Multiplicity cells by name. @param cells every cell of every oracle, natural order */
export function countMultiplicities(circuit: Circuit, cells: CellMap): Map<string, Uint32Array> {
  const out = new Map<string, Uint32Array>();
  for (const leaf of circuit.leaves)
    if (leaf.kind === 'rangeTable' || leaf.kind === 'table') out.set(leaf.name, new Uint32Array(2 ** leaf.loBits));
  for (const leaf of circuit.leaves) {
    if (leaf.kind === 'range') {
      const counts = out.get(rangeCells(leaf.bits)) as Uint32Array;
      const data = cells.get(leaf.name) as Uint32Array;
      for (let i = 0; i < data.length; i++) counts[data[i]] = counts[data[i]] + 1;
    } else if (leaf.kind === 'lookup') countLookup(leaf, cells, out.get(leaf.table.multiplicity.name) as Uint32Array);
  }
  return out;
}
