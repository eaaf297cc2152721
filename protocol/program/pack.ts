/** Natural row-major cells into the order of an oracle's stack. */
import type { Axis } from './tensors.ts';
import { stackStrides, type Placement, type Stack } from './layout.ts';

/** Offset in the stack of each index of an axis. */
function axisOffsets(axis: Axis, placement: Placement, strides: ReturnType<typeof stackStrides>): Int32Array {
  const out = new Int32Array(axis.size);
  const add = (size: number, stride: number, step: number): void => {
    for (let i = 0; i < axis.size; i++) out[i] = out[i] + (Math.floor(i / stride) % size) * step;
  };
  placement.hi.forEach((d, k) => {
    if (d.axis === axis) add(d.size, d.stride, strides.hi[k]);
  });
  placement.lo.forEach((d, k) => {
    if (d.axis === axis) add(d.size, d.stride, strides.lo[k]);
  });
  return out;
}

/** Writes natural row-major cells to their places in a stack. */
export function writePlacement(target: Uint32Array, placement: Placement, cells: Uint32Array): void {
  const strides = stackStrides(placement);
  const tables = placement.cells.axes.map((a) => axisOffsets(a, placement, strides));
  const last = tables.pop() ?? Int32Array.of(0);
  let at = 0;
  const walk = (depth: number, offset: number): void => {
    const table = tables[depth];
    if (table === undefined) {
      for (let i = 0; i < last.length; i++) target[offset + last[i]] = cells[at++];
      return;
    }
    for (let i = 0; i < table.length; i++) walk(depth + 1, offset + table[i]);
  };
  walk(0, placement.base);
}

/** @throws RangeError when cells are missing or of the wrong count. */
export function packStack(stack: Stack, cells: ReadonlyMap<string, Uint32Array>): Uint32Array {
  const out = new Uint32Array(stack.length);
  for (const placement of stack.placements.values()) {
    const values = cells.get(placement.cells.name);
    const size = placement.blocks * 2 ** placement.loBits;
    if (values === undefined) throw new RangeError(`cells ${placement.cells.name} are missing`);
    if (values.length !== size)
      throw new RangeError(`cells ${placement.cells.name}: ${values.length} values where ${size} belong`);
    writePlacement(out, placement, values);
  }
  return out;
}
