/**
 * Big-integer fixed-point arithmetic for public constants.
 *
 * Math.exp and Math.cos differ between engines in the last place, so every table of the statement is computed from
 * integers. A real x is held as an integer X with x ≈ X / 2^BITS; each function states its error in units of 2^-BITS
 * ('ulps'), and `roundProven` refuses to round where that error could change the result.
 */

/** Fraction bits of every fixed-point value in this folder. */
export const BITS = 128n;

/** The real number 1. */
export const ONE = 1n << BITS;

/** A value lies too close to a rounding boundary for its error bound; more fraction bits are needed. */
export class RoundingError extends Error {
  override readonly name = 'RoundingError';
  readonly value: bigint;
  readonly error: bigint;

  /**
   * @param value fixed-point value with BITS fraction bits
   * @param error its error bound in ulps
   */
  constructor(value: bigint, error: bigint) {
    super(`cannot round ${value} / 2^${BITS} with an error of up to ${error} ulps; raise BITS in fixedpoint.ts`);
    this.value = value;
    this.error = error;
  }
}

/**
 * The integer nearest to a real number known up to an error.
 *
 * @param value fixed-point value
 * @param error bound on |value − real| in ulps, at least 0
 * @returns the nearest integer; the same for every real within the error
 * @throws RoundingError when two integers are possible
 */
export function roundProven(value: bigint, error: bigint): number {
  const half = ONE >> 1n;
  const low = (value - error + half) >> BITS;
  const high = (value + error + half) >> BITS;
  if (low !== high) throw new RoundingError(value, error);
  return Number(low);
}

/**
 * The floor of the square root, by Newton's method from above.
 *
 * @param n at least 0
 * @throws RangeError for a negative number
 */
export function isqrt(n: bigint): bigint {
  return integerRoot(n, 2);
}

/**
 * The floor of the k-th root, by Newton's method from above: the iterates fall strictly until they reach it.
 *
 * @param n at least 0
 * @param k at least 1
 * @throws RangeError outside these ranges
 */
export function integerRoot(n: bigint, k: number): bigint {
  if (n < 0n || !Number.isSafeInteger(k) || k < 1) throw new RangeError(`no ${k}-th root of ${n}`);
  if (n < 2n || k === 1) return n;
  const degree = BigInt(k);
  const bits = BigInt(n.toString(16).length * 4);
  let root = 1n << ((bits + degree - 1n) / degree);
  for (;;) {
    const next = ((degree - 1n) * root + n / root ** (degree - 1n)) / degree;
    if (next >= root) return root;
    root = next;
  }
}

/** Error of `expOfFraction`, in ulps: at most 60 terms, each cut once and built from a cut term, and the tail. */
export const EXP_ERROR = 128n;

/**
 * exp(numerator / denominator) by its Taylor series.
 *
 * @param numerator |numerator| ≤ denominator
 * @param denominator positive
 * @returns fixed-point value, within EXP_ERROR ulps
 * @throws RangeError for an argument outside [−1, 1]
 */
export function expOfFraction(numerator: bigint, denominator: bigint): bigint {
  const size = numerator < 0n ? -numerator : numerator;
  if (denominator <= 0n || size > denominator) throw new RangeError(`exp(${numerator}/${denominator}) is out of range`);
  let term = ONE;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    // BigInt division cuts towards zero, so that the terms reach 0 whatever their sign.
    term = (term * numerator) / (denominator * k);
  }
  return sum;
}

/** Error of `cosSin` beside that of its argument, in ulps: at most 60 terms in each series. */
export const COS_SIN_ERROR = 128n;

/**
 * Cosine and sine by their Taylor series.
 *
 * @param angle fixed-point radians in [0, 1]
 * @returns [cos, sin], each within COS_SIN_ERROR ulps of the function at this very angle
 * @throws RangeError for an angle outside [0, 1]
 */
export function cosSin(angle: bigint): [bigint, bigint] {
  if (angle < 0n || angle > ONE) throw new RangeError(`cos and sin of ${angle} / 2^${BITS} are out of range`);
  const sums = [0n, 0n];
  let term = ONE;
  for (let k = 0n; term !== 0n; k++) {
    const side = Number(k & 1n);
    sums[side] += (k & 2n) === 0n ? term : -term;
    term = ((term * angle) >> BITS) / (k + 1n);
  }
  return [sums[0], sums[1]];
}
