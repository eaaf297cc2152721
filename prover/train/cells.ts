/** Between integer tensors and their committed cells: value = offset + Σ coef·cell, the limbs lowest first. */
import { sizeOf, type Axis, type Cells, type Tensor, type TensorPart } from '../../protocol/program/tensors.ts';
import { EngineError } from './errors.ts';

/** Values of a tensor, row-major over its axes: doubles where every value is below 2^53, else 64-bit integers. */
export type Values = Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

const EXACT = 1n << 53n;

/** Zeros for a tensor of this range and size. */
export function allocate(min: bigint, max: bigint, size: number): Values {
  return max < EXACT && min > -EXACT ? new Float64Array(size) : new BigInt64Array(size);
}

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

/** First entry and number of entries of a tensor that one of its parts covers; a slice is along the first axis. */
function span(tensor: Tensor, part: TensorPart): { start: number; count: number } {
  const size = sizeOf(tensor.axes);
  if (part.slice === undefined) return { start: 0, count: size };
  if (tensor.axes[0].name !== part.slice.axis)
    throw new EngineError(`${tensor.name} is not sliced along its first axis`);
  const stride = size / tensor.axes[0].size;
  return { start: part.slice.start * stride, count: part.slice.count * stride };
}

/**
 * The cells of one part of a tensor.
 *
 * @param values within the tensor's range
 */
export function encodePart(tensor: Tensor, part: TensorPart, values: Values): Uint32Array<ArrayBuffer> {
  const { start, count } = span(tensor, part);
  const cells = new Uint32Array(count);
  const { coef } = part;
  const bits = part.cells.bits ?? 32;
  if (values instanceof BigInt64Array) {
    for (let i = 0; i < count; i++)
      cells[i] = Number(((values[start + i] - tensor.offset) / coef) % (1n << BigInt(bits)));
    return cells;
  }
  const offset = Number(tensor.offset);
  const divisor = Number(coef);
  const limb = 2 ** bits;
  for (let i = 0; i < count; i++) cells[i] = Math.floor((values[start + i] - offset) / divisor) % limb;
  return cells;
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
