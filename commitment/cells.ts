/** From integer tensors to their committed cells: value = offset + Σ coef·cell, the limbs lowest first. */
import { sizeOf, type Tensor, type TensorPart } from '../protocol/program/tensors.ts';

/** Natural row-major cells by cell name (see protocol/program/tensors.ts): cell = (value − offset) cut into limbs. */
export type CellMap = ReadonlyMap<string, Uint32Array>;

/** Values of a tensor, row-major over its axes: doubles where every value is below 2^53, else 64-bit integers. */
export type Values = Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

const EXACT = 1n << 53n;

/** Zeros for a tensor of this range and size. */
export function allocate(min: bigint, max: bigint, size: number): Values {
  return max < EXACT && min > -EXACT ? new Float64Array(size) : new BigInt64Array(size);
}

/**
 * First entry and number of entries of a tensor that one of its parts covers; a slice is along the first axis.
 * @throws RangeError for a slice along another axis
 */
export function span(tensor: Tensor, part: TensorPart): { start: number; count: number } {
  const size = sizeOf(tensor.axes);
  if (part.slice === undefined) return { start: 0, count: size };
  if (tensor.axes[0].name !== part.slice.axis)
    throw new RangeError(`${tensor.name} is not sliced along its first axis`);
  const stride = size / tensor.axes[0].size;
  return { start: part.slice.start * stride, count: part.slice.count * stride };
}

/**
 * The cells of one part of a tensor.
 *
 * @param values those that the part covers, within the tensor's range
 */
export function encodePart(tensor: Tensor, part: TensorPart, values: Values): Uint32Array<ArrayBuffer> {
  const cells = new Uint32Array(values.length);
  const { coef } = part;
  const bits = part.cells.bits ?? 32;
  if (values instanceof BigInt64Array) {
    for (let i = 0; i < cells.length; i++)
      cells[i] = Number(((values[i] - tensor.offset) / coef) % (1n << BigInt(bits)));
    return cells;
  }
  const offset = Number(tensor.offset);
  const divisor = Number(coef);
  const limb = 2 ** bits;
  for (let i = 0; i < cells.length; i++) cells[i] = Math.floor((values[i] - offset) / divisor) % limb;
  return cells;
}
