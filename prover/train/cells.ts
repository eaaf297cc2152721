/** From committed cells back to integer tensors; commitment/cells.ts has the other way. */
import { span, type Values } from '../../commitment/cells.ts';
import type { Axis, Cells, Tensor, TensorPart } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';

/** Sets every entry to one value. */
export function fill(values: Values, value: bigint): void {
  if (values instanceof BigInt64Array) values.fill(value);
  else values.fill(Number(value));
}

/** Row-major strides of axes. */
export function strides(axes: readonly Axis[]): number[] {
  const out = new Array<number>(axes.length);
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    out[i] = stride;
    stride *= axes[i].size;
  }
  return out;
}

/**
 * Adds the cells of one part to a tensor's values, which start at the tensor's offset.
 *
 * @throws EngineError for another number of cells, or a cell that is too wide
 */
export function decodePart(tensor: Tensor, part: TensorPart, cells: Uint32Array, values: Values): void {
  const { start, count } = span(tensor, part);
  checkCells(part.cells, cells, count);
  if (values instanceof BigInt64Array) {
    for (let i = 0; i < count; i++) values[start + i] += part.coef * BigInt(cells[i]);
    return;
  }
  const coef = Number(part.coef);
  for (let i = 0; i < count; i++) values[start + i] += coef * cells[i];
}

function checkCells(declared: Cells, cells: Uint32Array, count: number): void {
  if (cells.length !== count) throw new EngineError(`${declared.name} has ${cells.length} cells instead of ${count}`);
  if (declared.bits === null || declared.bits >= 32) return;
  const limit = 2 ** declared.bits;
  const wide = cells.findIndex((cell) => cell >= limit);
  if (wide >= 0)
    throw new EngineError(`${declared.name}[${wide}] = ${cells[wide]} is wider than ${declared.bits} bits`);
}
