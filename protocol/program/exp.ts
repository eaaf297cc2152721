/**
 * The tables of softmax and SiLU, computed from integers with proven rounding.
 *
 * exp of a non-zero rational is transcendental, so no entry but those at 0 (which are integers) is a tie, and
 * 'nearest integer' needs no tie rule.
 */
import { BITS, EXP_ERROR, ONE, expOfFraction, roundProven } from './fixedpoint.ts';

/** Scale of scores and logits: u counts 2^-10 nats. */
export const SCORE_BITS = 10;

/** Scale of activations, the argument and the value of SiLU: 2^-12. */
export const ACTIVATION_BITS = 12;

/** Table of T(u) = round(2^P·exp(u / 2^10)). */
export interface ExpTable {
  /** The smallest u with T(u) ≥ 1; T is 0 below it. */
  lowest: number;
  /** values[i] = T(lowest + i), up to and including T(1), which is above 2^P. */
  values: Int32Array;
}

/** Tables of SiLU and its derivative at scale 2^12. */
export interface SiluTables {
  /** 12.5·2^12; the tables hold x = −bound … bound − 1, the closed forms the rest. */
  bound: number;
  /** silu[x + bound] = round(2^12·silu(x / 2^12)); 0 for x ≤ −bound and x for x ≥ bound. */
  silu: Int32Array;
  /** dsilu[x + bound] = round(2^12·silu'(x / 2^12)); 0 for x ≤ −bound and 2^12 for x ≥ bound. */
  dsilu: Int32Array;
}

const expTables = new Map<number, ExpTable>();
let siluCache: SiluTables | undefined;

/**
 * T(u) = round(2^P·exp(u / 2^10)) wherever it is not 0, for u ≤ 1.
 *
 * Entries follow from T(1) downwards by E ← ⌊E·exp(−2^-10)⌋. With E ≤ 2 the error grows by at most
 * 2·EXP_ERROR + 1 ulps a step and starts at EXP_ERROR.
 *
 * @param probabilityBits P, 1 to 30
 * @throws RangeError for another P
 */
export function expTable(probabilityBits: number): ExpTable {
  if (!Number.isInteger(probabilityBits) || probabilityBits < 1 || probabilityBits > 30) {
    throw new RangeError(`expTable takes 1 to 30 probability bits, not ${probabilityBits}`);
  }
  let table = expTables.get(probabilityBits);
  if (!table) {
    table = computeExp(probabilityBits);
    expTables.set(probabilityBits, table);
  }
  return table;
}

function computeExp(probabilityBits: number): ExpTable {
  const P = BigInt(probabilityBits);
  const step = expOfFraction(-1n, 1n << BigInt(SCORE_BITS));
  let power = expOfFraction(1n, 1n << BigInt(SCORE_BITS));
  let error = EXP_ERROR;
  const falling: number[] = [];
  for (;;) {
    // u = 0 is exactly 2^P; the recurrence is within its error there, as everywhere.
    const value = roundProven(power << P, error << P);
    if (value === 0) break;
    falling.push(value);
    power = (power * step) >> BITS;
    error += 2n * EXP_ERROR + 1n;
  }
  return { lowest: 2 - falling.length, values: Int32Array.from(falling.reverse()) };
}

/**
 * SiLU and its derivative, x·σ(x) and σ(x)·(1 + x·(1 − σ(x))), at scale 2^12 for |x| < 12.5.
 *
 * Only x ≥ 0 is computed: silu(−x) = silu(x) − x and silu'(−x) = 1 − silu'(x) hold for the rounded values too, since
 * x and 1 are integers at this scale and no entry is a tie.
 */
export function siluTables(): SiluTables {
  siluCache ??= computeSilu();
  return siluCache;
}

function computeSilu(): SiluTables {
  const scale = 1 << ACTIVATION_BITS;
  const F = BigInt(ACTIVATION_BITS);
  const bound = 12.5 * scale;
  const silu = new Int32Array(2 * bound);
  const dsilu = new Int32Array(2 * bound);
  const step = expOfFraction(-1n, 1n << F);
  let power = ONE; // exp(−x / 2^12)
  let powerError = 0n;
  for (let x = 0; x <= bound; x++) {
    const n = BigInt(x);
    const sigma = (ONE << BITS) / (ONE + power);
    // σ has derivative at most 1 in exp(−x); one more ulp is cut by the division.
    const sigmaError = powerError + 1n;
    const value = roundProven(n * sigma, n * sigmaError);
    const slope = (sigma * (ONE - sigma)) >> BITS; // σ(1 − σ): within 2·sigmaError + 1
    const derivative = roundProven((sigma << F) + n * slope, (sigmaError << F) + n * (2n * sigmaError + 1n));
    if (x < bound) {
      silu[bound + x] = value;
      dsilu[bound + x] = derivative;
    }
    silu[bound - x] = value - x;
    dsilu[bound - x] = scale - derivative;
    power = (power * step) >> BITS;
    powerError += EXP_ERROR + 1n;
  }
  return { bound, silu, dsilu };
}
