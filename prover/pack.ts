/** Cells in the order in which their oracle is committed. */
import type { Placement, Stack } from '../protocol/program/layout.ts';
import { stackStrides } from '../protocol/program/layout.ts';
import { strides } from './train/cells.ts';
import type { CellMap } from './train/engine.ts';
import { EngineError } from './train/errors.ts';

/**
 * Lays natural row-major cells out in a stack.
 *
 * @param stack of one oracle
 * @param cells by name, of every placement of the stack
 * @throws EngineError for cells that are missing or of another number
 */
export function packCells(stack: Stack, cells: CellMap): Uint32Array {
  const out = new Uint32Array(stack.length);
  for (const [name, placement] of stack.placements) {
    const data = cells.get(name);
    const size = placement.blocks * 2 ** placement.loBits;
    if (data?.length !== size) throw new EngineError(`${name} has ${data?.length ?? 'no'} cells instead of ${size}`);
    place(placement, data, out);
  }
  return out;
}

/** Walks the digits of all axes, which together count through the natural order. */
function place(p: Placement, data: Uint32Array, out: Uint32Array): void {
  const natural = strides(p.cells.axes);
  const stacked = stackStrides(p);
  const digits = [
    ...p.hi.map((d, i) => ({ ...d, to: stacked.hi[i] })),
    ...p.lo.map((d, i) => ({ ...d, to: stacked.lo[i] })),
  ].map((d) => ({ size: d.size, to: d.to, from: d.stride * natural[p.cells.axes.indexOf(d.axis)] }));
  // The innermost digit runs in a loop of its own.
  const [inner, ...outer] = digits.sort((a, b) => a.from - b.from);
  if (inner === undefined) {
    out[p.base] = data[0];
    return;
  }
  const walk = (depth: number, from: number, to: number): void => {
    if (depth < 0) {
      for (let i = 0; i < inner.size; i++) out[to + i * inner.to] = data[from + i * inner.from];
      return;
    }
    const digit = outer[depth];
    for (let i = 0; i < digit.size; i++) walk(depth - 1, from + i * digit.from, to + i * digit.to);
  };
  walk(outer.length - 1, 0, p.base);
}
