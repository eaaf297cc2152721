/** Shapes and bounds of the operations of {@link TableOps}, common to both backends. */
import type { BindSpec, Digit, ExtVec, LeafRegion } from './backend.ts';
import { VectorError, checkRange } from './vector-error.ts';

/** Most factors of one product term. */
export const MAX_FACTORS = 5;

/** Number of index values of a mixed-radix index: 2^(Σ bits). */
export function indexSpace(digits: readonly Digit[]): number {
  return 2 ** digits.reduce((sum, digit) => sum + digit.bits, 0);
}

/**
 * Checks a bind's shapes and that every read of every part lies inside its cells (strides may be negative).
 * @throws VectorError SHAPE, RANGE
 */
export function checkBind(spec: BindSpec): void {
  const { kept, bound, weights, parts } = spec;
  if (weights.length !== indexSpace(bound)) throw new VectorError('SHAPE', weights.length, 'bind weights');
  for (const digit of [...kept, ...bound])
    if (digit.size < 1 || digit.size > 2 ** digit.bits) throw new VectorError('SHAPE', digit.size, 'digit size');
  for (const part of parts) {
    if (part.keptStrides.length !== kept.length || part.boundStrides.length !== bound.length)
      throw new VectorError('SHAPE', weights.length, 'strides and digits differ in number');
    if (part.cells === null) continue;
    let [low, high] = [part.base, part.base];
    const widen = (digit: Digit, stride: number): void => {
      if (stride < 0) low += (digit.size - 1) * stride;
      else high += (digit.size - 1) * stride;
    };
    kept.forEach((digit, k) => widen(digit, part.keptStrides[k]));
    bound.forEach((digit, k) => widen(digit, part.boundStrides[k]));
    checkRange(part.cells, low, high - low + 1);
  }
}

/** Checks that terms are 1 to {@link MAX_FACTORS} vectors of one length ≥ 1 each. @throws VectorError SHAPE */
export function checkTerms(terms: readonly (readonly ExtVec[])[]): void {
  for (const term of terms) {
    const length = term[0]?.length ?? 0;
    if (length < 1 || term.length > MAX_FACTORS || term.some((v) => v.length !== length))
      throw new VectorError('SHAPE', length, `product term of ${term.length} factors`);
  }
}

/** Checks that regions are disjoint, inside the leaves, and read inside their cells. @throws VectorError SHAPE, RANGE */
export function checkRegions(length: number, regions: readonly LeafRegion[]): void {
  let end = 0;
  for (const region of regions.toSorted((a, b) => a.start - b.start)) {
    if (region.start < end) throw new VectorError('SHAPE', length, `leaf regions overlap at ${region.start}`);
    end = region.start + region.length;
    checkRange({ length }, region.start, region.length);
    if (region.length === 0) continue;
    for (const { cells, base, shift } of region.columns)
      if (cells !== null) checkRange(cells, base, ((region.length - 1) >>> shift) + 1);
    if (typeof region.numerator === 'object' && 'cells' in region.numerator)
      checkRange(region.numerator.cells, region.numerator.base, region.length);
  }
}

/** Real entries of a layer of `length` entries (index (x, b)) after binding x's lowest variable. */
export function foldedFractionsLength(length: number): number {
  return 2 * Math.floor(length / 4) + Math.min(length % 4, 2);
}
