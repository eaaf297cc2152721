/**
 * Where cells lie: in their oracle's stack, and in the tree of lookup leaves.
 *
 * An axis of size m·2^k (m odd) splits into a digit of size m and one of 2^k; a short axis is one digit as a whole. A
 * tensor's cells are ordered by (all odd digits, all power-of-two digits), outermost axis first: blocks of 2^loBits cells.
 * Placed in order of falling block size, every block is aligned to its size and nothing is padded.
 */
import type { Axis, Cells } from './tensors.ts';
import { log2Ceil } from './tensors.ts';

/** One digit of an axis. `stride` counts in the axis's own index: axis index = Σ digit·stride. */
export interface AxisDigit {
  readonly axis: Axis;
  readonly size: number;
  readonly stride: number;
}

export interface Shape {
  /** Odd digits and short axes, outermost first. */
  readonly hi: readonly AxisDigit[];
  /** Power-of-two digits, outermost first; sizes 2^k, k ≥ 1. */
  readonly lo: readonly AxisDigit[];
  readonly blocks: number;
  readonly loBits: number;
}

/** Largest power of two that divides n. */
export function evenPart(n: number): number {
  return n & -n;
}

export function shapeOf(axes: readonly Axis[]): Shape {
  const hi: AxisDigit[] = [];
  const lo: AxisDigit[] = [];
  for (const axis of axes) {
    if (axis.short) {
      hi.push({ axis, size: axis.size, stride: 1 });
      continue;
    }
    const even = evenPart(axis.size);
    if (axis.size > even) hi.push({ axis, size: axis.size / even, stride: even });
    if (even > 1) lo.push({ axis, size: even, stride: 1 });
  }
  const blocks = hi.reduce((n, d) => n * d.size, 1);
  return { hi, lo, blocks, loBits: lo.reduce((n, d) => n + log2Ceil(d.size), 0) };
}

export interface Placement extends Shape {
  readonly cells: Cells;
  /** Address of the first cell; a multiple of 2^loBits. */
  readonly base: number;
}

export interface Stack {
  readonly placements: ReadonlyMap<string, Placement>;
  /** Cells in use: the stack is a prefix. */
  readonly length: number;
  /** log₂ of the address space. */
  readonly bits: number;
}

/** Places items by falling block size; ties in the given order. */
export function pack<T extends { readonly loBits: number; readonly blocks: number }>(
  items: readonly T[],
): { item: T; base: number }[] {
  const order = items.map((item, i) => ({ item, i }));
  order.sort((a, b) => b.item.loBits - a.item.loBits || a.i - b.i);
  let at = 0;
  return order.map(({ item }) => {
    const base = at;
    at += item.blocks * 2 ** item.loBits;
    return { item, base };
  });
}

export function stackOf(cells: readonly Cells[]): Stack {
  const items = cells.map((c) => ({ cells: c, ...shapeOf(c.axes) }));
  const placements = new Map<string, Placement>();
  let length = 0;
  for (const { item, base } of pack(items)) {
    placements.set(item.cells.name, { ...item, base });
    length = Math.max(length, base + item.blocks * 2 ** item.loBits);
  }
  return { placements, length, bits: log2Ceil(length) };
}

/** Natural row-major index → offset in the stack, as one table per digit; the prover's packing walks it. */
export function stackStrides(p: Shape): { hi: number[]; lo: number[] } {
  const lo: number[] = [];
  let stride = 1;
  for (let i = p.lo.length - 1; i >= 0; i--) {
    lo.unshift(stride);
    stride *= p.lo[i].size;
  }
  const hi: number[] = [];
  for (let i = p.hi.length - 1; i >= 0; i--) {
    hi.unshift(stride);
    stride *= p.hi[i].size;
  }
  return { hi, lo };
}
