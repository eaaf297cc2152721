/**
 * Linear functionals on committed cells: Σ_i w(i)·cell_i with w a product over digits. Every claim that the arguments leave
 * open is a sum of such functionals.
 */
import { ONE, ZERO, add, isZero, mul, type Ext } from '../extension.ts';
import { dot, eqPoints, eqRange, eqSum, eqTable, evaluate } from '../multilinear.ts';
import { log2Ceil, type Axis } from './tensors.ts';
import type { AxisDigit, Placement, Shape } from './layout.ts';

/** Weights along one axis: eq(coords, ·), an explicit vector of the axis's size, or all ones. */
export type AxisWeight =
  | { readonly kind: 'point'; readonly coords: readonly Ext[] }
  | { readonly kind: 'vector'; readonly values: readonly Ext[] }
  | { readonly kind: 'ones' };

export const ONES: AxisWeight = { kind: 'ones' };

/** coef · Σ_b hi[b] Σ_l Π lo(l) · cell[b, l] over the blocks and the digits of a placement. */
export interface CellWeights {
  readonly placement: Placement;
  readonly coef: Ext;
  /** Weights of the blocks `index` (all blocks in order where null). */
  readonly hi: readonly Ext[];
  readonly index: readonly number[] | null;
  /** Per power-of-two digit, outermost first. */
  readonly lo: readonly AxisWeight[];
}

/** A claim: the functionals sum to `value`. */
export interface Claim<V> {
  readonly label: string;
  readonly functionals: readonly CellWeights[];
  readonly value: V;
}

/** Weights of an axis as a vector over its real indices. */
export function weightVector(axis: Axis, weight: AxisWeight): readonly Ext[] {
  if (weight.kind === 'vector') return weight.values;
  if (weight.kind === 'ones') return new Array<Ext>(axis.size).fill(ONE);
  return eqRange(weight.coords, 0, axis.size);
}

/** Sum of an axis's weights over its real indices. */
export function weightSum(axis: Axis, weight: AxisWeight): Ext {
  if (weight.kind === 'ones') return [BigInt(axis.size), 0n];
  if (weight.kind === 'point') return eqSum(weight.coords, axis.size);
  return weight.values.reduce((s, w) => add(s, w), ZERO);
}

/** The part of an axis's weight that falls on one of its digits. */
export function digitWeight(digit: AxisDigit, weight: AxisWeight): AxisWeight {
  const whole = digit.size === digit.axis.size;
  if (weight.kind === 'ones' || whole) return weight;
  if (weight.kind === 'vector')
    throw new RangeError(`axis ${digit.axis.name} of size ${digit.axis.size} takes no explicit weights`);
  const bits = log2Ceil(digit.stride);
  return digit.stride === 1
    ? { kind: 'point', coords: weight.coords.slice(0, log2Ceil(digit.size)) }
    : { kind: 'point', coords: weight.coords.slice(bits) };
}

/** Weights of the odd digits, as one vector over the blocks. */
export function blockWeights(shape: Shape, of: (digit: AxisDigit) => AxisWeight): Ext[] {
  let out: Ext[] = [ONE];
  for (const digit of shape.hi) {
    const weight = of(digit);
    const values =
      weight.kind === 'point' ? eqRange(weight.coords, 0, digit.size) : weight.kind === 'vector' ? weight.values : null;
    out = out.flatMap((w) =>
      values === null ? new Array<Ext>(digit.size).fill(w) : values.map((v) => (isZero(v) ? ZERO : mul(w, v))),
    );
  }
  return out;
}

/** A functional with weights given per axis of the cells. */
export function onCells(placement: Placement, coef: Ext, weights: ReadonlyMap<string, AxisWeight>): CellWeights {
  const of = (digit: AxisDigit): AxisWeight => digitWeight(digit, weights.get(digit.axis.name) ?? ONES);
  // An axis of one index has no digit; its weight joins the coefficient.
  let factor = coef;
  for (const axis of placement.cells.axes) {
    const weight = weights.get(axis.name);
    if (axis.size === 1 && !axis.short && weight !== undefined) factor = mul(factor, weightSum(axis, weight));
  }
  return { placement, coef: factor, hi: blockWeights(placement, of), index: null, lo: placement.lo.map(of) };
}

/** Weights of a digit as a table over its indices. */
export function loTable(digit: AxisDigit, weight: AxisWeight): readonly Ext[] {
  if (weight.kind === 'point') return eqTable(weight.coords);
  if (weight.kind === 'vector') return weight.values;
  return new Array<Ext>(digit.size).fill(ONE);
}

/** Remembers eq over the block addresses of placements at one point, for many functionals. */
export class AddressPoint {
  readonly point: readonly Ext[];
  readonly #blocks = new Map<string, Ext[]>();
  /** eq(x, point[bit]) per bit and coordinate x: claims share their coordinates. */
  readonly #factors: Map<Ext, Ext>[];

  /** @param point one coordinate per address bit of the stack. */
  constructor(point: readonly Ext[]) {
    this.point = point;
    this.#factors = point.map(() => new Map<Ext, Ext>());
  }

  /** eq(coords, the point's `bits` coordinates from `at` on). */
  #eq(coords: readonly Ext[], at: number, bits: number): Ext {
    if (coords.length !== bits) throw new RangeError(`${coords.length} coordinates for ${bits} bits`);
    return coords.reduce((out, x, k) => {
      let factor = this.#factors[at + k].get(x);
      if (factor === undefined) {
        factor = eqPoints([x], [this.point[at + k]]);
        this.#factors[at + k].set(x, factor);
      }
      return mul(out, factor);
    }, ONE);
  }

  /** The multilinear extension of a functional's weights over the stack's addresses, at the point. */
  evaluate(w: CellWeights): Ext {
    const { placement } = w;
    const high = this.point.slice(placement.loBits);
    const first = placement.base / 2 ** placement.loBits;
    let sum: Ext;
    if (w.index === null) {
      let table = this.#blocks.get(placement.cells.name);
      if (table === undefined) {
        table = eqRange(high, first, placement.blocks);
        this.#blocks.set(placement.cells.name, table);
      }
      sum = dot(w.hi, table);
    } else {
      sum = w.index.reduce((s, b, i) => add(s, mul(w.hi[i], eqRange(high, first + b, 1)[0])), ZERO);
    }
    let at = placement.loBits;
    placement.lo.forEach((digit, k) => {
      const bits = log2Ceil(digit.size);
      at -= bits;
      const weight = w.lo[k];
      if (weight.kind === 'point') sum = mul(sum, this.#eq(weight.coords, at, bits));
      else if (weight.kind === 'vector') sum = mul(sum, evaluate(weight.values, this.point.slice(at, at + bits)));
    });
    return mul(sum, w.coef);
  }
}

/** The same functional scaled. */
export function scaleWeights(w: CellWeights, factor: Ext): CellWeights {
  return { ...w, coef: mul(w.coef, factor) };
}
