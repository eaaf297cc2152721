/** Integer tables of rotary position embedding (Su et al., arXiv 2104.09864; Hugging Face's half-rotation order). */
import { BoundedCache } from './bounded-cache.ts';
import { parseDecimal } from './numbers.ts';
import { BITS, COS_SIN_ERROR, ONE, cosSin, integerRoot, isqrt, roundProven } from './fixedpoint.ts';

/** Scale of cosines and sines: 2^-14. */
export const ROPE_BITS = 14;

/** Row-major [seqLen][headDim / 2] tables at scale 2^14; entry [p][i] has angle p·θ^(−2i / headDim). */
export interface RopeTables {
  cos: Int32Array;
  sin: Int32Array;
  /** cos·2² / √headDim, for q: the score's 1/√headDim is folded in. */
  cosQ: Int32Array;
  /** sin·2² / √headDim, for q. */
  sinQ: Int32Array;
}

const cache = new BoundedCache<RopeTables>(2 ** 24, ({ cos }) => 4 * cos.byteLength);

/**
 * The tables for one model and row length.
 *
 * The frequency θ^(−1/h), h = headDim / 2, is an integer root; its powers, and the turn from position p to p + 1, are
 * products cut at 2^-BITS. Angles other than 0 are algebraic and their cosines transcendental, so no entry is a tie.
 * (At position 0, 2^16 / √headDim is no half-integer for any headDim below 2^34.)
 *
 * @param theta base of the frequencies, at least 1, as an exact decimal; a number means its shortest decimal
 * @param headDim even, 2 to 2^16
 * @param seqLen positions 0 … seqLen − 1, 1 to 2^20
 * @throws RangeError for an argument outside these ranges
 */
export function ropeTables(theta: string | number, headDim: number, seqLen: number): RopeTables {
  checkArguments(headDim, seqLen);
  return cache.get(`${theta} ${headDim} ${seqLen}`, () => computeTables(String(theta), headDim, seqLen));
}

function computeTables(theta: string, headDim: number, seqLen: number): RopeTables {
  const half = headDim / 2;
  const size = seqLen * half;
  const tables: RopeTables = {
    cos: new Int32Array(size),
    sin: new Int32Array(size),
    cosQ: new Int32Array(size),
    sinQ: new Int32Array(size),
  };
  const scaleQ = queryScale(headDim);
  const frequency = frequencyRoot(theta, half);
  let angle = ONE;
  for (let i = 0; i < half; i++) {
    // Cutting the root and each product adds at most 2 ulps a power, so the angle is within 2i ulps.
    fillColumn(tables, i, half, seqLen, angle, BigInt(2 * i), scaleQ);
    angle = (angle * frequency) >> BITS;
  }
  return tables;
}

/** 4 / √headDim, at most 2√2, within 2 ulps. */
function queryScale(headDim: number): bigint {
  return isqrt((16n << (2n * BITS)) / BigInt(headDim));
}

/** Entry of cosQ at position 0, the largest of the queries' tables: round(2^14 · 4 / √headDim). */
export function ropeQueryUnit(headDim: number): number {
  const shift = BigInt(ROPE_BITS);
  return roundProven(queryScale(headDim) << shift, 4n << shift);
}

/** Fills frequency i's column of every table, turning by `angle` from one position to the next. */
function fillColumn(
  tables: RopeTables,
  i: number,
  half: number,
  seqLen: number,
  angle: bigint,
  angleError: bigint,
  scaleQ: bigint,
): void {
  const shift = BigInt(ROPE_BITS);
  const [turnCos, turnSin] = cosSin(angle);
  // |turn − exact| ≤ √2·(COS_SIN_ERROR + angleError); a complex product adds that and at most 2√2 ulps of cutting. The
  // factor 2 covers √2 and the growth of rounding errors.
  const errorPerTurn = 2n * (COS_SIN_ERROR + angleError) + 4n;
  let cos = ONE;
  let sin = 0n;
  let error = 0n;
  for (let p = 0; p < seqLen; p++) {
    const at = p * half + i;
    const errorQ = 3n * error + 4n;
    tables.cos[at] = roundProven(cos << shift, error << shift);
    tables.sin[at] = roundProven(sin << shift, error << shift);
    tables.cosQ[at] = roundProven(((cos * scaleQ) >> BITS) << shift, errorQ << shift);
    tables.sinQ[at] = roundProven(((sin * scaleQ) >> BITS) << shift, errorQ << shift);
    const next = (cos * turnCos - sin * turnSin) >> BITS;
    sin = (sin * turnCos + cos * turnSin) >> BITS;
    cos = next;
    error += errorPerTurn;
  }
}

/** θ^(−1/half), cut to a fixed-point number: within 1 ulp below. */
function frequencyRoot(theta: string, half: number): bigint {
  const { numerator, denominator } = parseDecimal(theta);
  if (numerator < denominator) throw new RangeError(`rope theta must be at least 1, not ${theta}`);
  return integerRoot((denominator << (BITS * BigInt(half))) / numerator, half);
}

function checkArguments(headDim: number, seqLen: number): void {
  if (!Number.isInteger(headDim) || headDim < 2 || headDim > 1 << 16 || headDim % 2 !== 0) {
    throw new RangeError(`rope needs an even head dimension of 2 to 65536, not ${headDim}`);
  }
  if (!Number.isInteger(seqLen) || seqLen < 1 || seqLen > 1 << 20) {
    throw new RangeError(`rope needs a row length of 1 to 2^20, not ${seqLen}`);
  }
}
