/**
 * The nouns of a training program: axes, committed cells, integer tensors made of cells, public and one-hot tensors.
 *
 * A committed cell holds an unsigned integer below 2^32. A tensor's value is an affine combination of cells:
 * value = offset + Σ coef·cell, so that a signed or wide value (in limbs) and a sum of tensors need no cells of their own.
 */
import type { Ext } from '../extension.ts';

/** A named index range 0 … size−1. `short` axes (layers, steps, slices) take explicit weight vectors; see layout.ts. */
export interface Axis {
  readonly name: string;
  readonly size: number;
  readonly short: boolean;
}

export const ORACLES = ['base', 'data', 'adapterIn', 'adapterOut', 'momentsIn', 'momentsOut', 'witness'] as const;
export type OracleName = (typeof ORACLES)[number];

/** Committed cells; `bits`: every cell is proven to lie in [0, 2^bits) by a range lookup; null: no range lookup of its own. */
export interface Cells {
  readonly name: string;
  readonly oracle: OracleName;
  readonly axes: readonly Axis[];
  readonly bits: number | null;
}

/** coef · cells, where `slice` says that the cells are entries start … start+count−1 of the tensor's axis `axis`. */
export interface TensorPart {
  readonly cells: Cells;
  readonly coef: bigint;
  readonly slice?: { readonly axis: string; readonly start: number; readonly count: number };
}

/** An integer tensor; every entry lies in [min, max] for any cells that pass their range lookups. */
export interface Tensor {
  readonly kind: 'tensor';
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly parts: readonly TensorPart[];
  readonly offset: bigint;
  readonly min: bigint;
  readonly max: bigint;
  /** Where a relation of the program shows it: Σ |entries| over the last axis is at most this. */
  readonly lastAxisSum?: bigint;
}

/** A tensor that every verifier computes: `values` row-major over `axes`. */
export interface PublicTensor {
  readonly kind: 'public';
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly values: Int32Array;
  readonly max: bigint;
  /** The multilinear extension at a point of each axis, where a closed form spares a verifier the values. */
  readonly extension?: (points: readonly (readonly Ext[])[]) => Ext;
}

/** onehot[…, v] = 1 where the bits of the token (…) spell v; virtual, proven from `bits` [..., log₂V]. */
export interface OneHotTensor {
  readonly kind: 'onehot';
  readonly name: string;
  readonly axes: readonly Axis[];
  readonly bits: Tensor;
}

/** How an operand's axis is indexed: by a domain or summed axis, shifted: index = domain index + offset; or a fixed index. */
export type AxisUse = { readonly axis: string; readonly offset: number } | { readonly fixed: number };

export interface Operand {
  readonly tensor: Tensor | PublicTensor | OneHotTensor;
  readonly uses: readonly AxisUse[];
}

/** Smallest b with 2^b ≥ n, for integers n < 2^53: stacks of large models have more than 2^32 cells. */
export function log2Ceil(n: number): number {
  if (n <= 1) return 0;
  const high = Math.floor((n - 1) / 2 ** 32);
  return high > 0 ? 32 + log2Ceil(high + 1) : 32 - Math.clz32(n - 1);
}

export function axis(name: string, size: number, short = false): Axis {
  return { name, size, short };
}

/** Number of entries over the axes. */
export function sizeOf(axes: readonly Axis[]): number {
  return axes.reduce((n, a) => n * a.size, 1);
}

/** Largest absolute value of an operand's entries. */
export function magnitude(tensor: Operand['tensor']): bigint {
  if (tensor.kind === 'public') return tensor.max;
  if (tensor.kind === 'onehot') return 1n;
  const low = tensor.min < 0n ? -tensor.min : tensor.min;
  const high = tensor.max < 0n ? -tensor.max : tensor.max;
  return low > high ? low : high;
}
