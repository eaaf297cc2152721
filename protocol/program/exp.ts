/**
 * The tables of softmax and SiLU, with proven rounding: from doubles where their error can't change an entry, which IEEE 754
 * makes the same everywhere (+, −, ×, ÷ and conversions are rounded correctly), and from 128-bit integers where it could.
 *
 * exp of a non-zero rational is transcendental, so no entry but those at 0 (which are integers) is a tie, and
 * 'nearest integer' needs no tie rule.
 */
import { BITS, ONE, roundProven } from './fixedpoint.ts';
import { FallingPowers } from './falling-powers.ts';

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

/**
 * The integer nearest to a double, where a distance of NEAR from every boundary proves it.
 * @param value within NEAR of the real number; 0 ≤ value < 2^31
 * @returns −1 where it could be another
 */
function nearest(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (Math.abs(rest - 0.5) <= NEAR) return -1;
  return rest < 0.5 ? floor : floor + 1;
}

/** Far above what the doubles below are off by, so rare that the exact way hardly counts. */
const NEAR = 2 ** -18;

function computeExp(probabilityBits: number): ExpTable {
  const P = BigInt(probabilityBits);
  const scale = 2 ** probabilityBits;
  // Powers from exp(1 / 2^10) on, relative to which a double is within 5·2^-53: 2^30·e^(1/1024) times that is below 2^-20.
  const powers = new FallingPowers(SCORE_BITS, 1n);
  const falling: number[] = [];
  for (let i = 0; ; i++) {
    let value = nearest(powers.at(i) * scale);
    if (value < 0) {
      const { power, error } = powers.exact(i);
      value = roundProven(power << P, error << P);
    }
    if (value === 0) break;
    falling.push(value);
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
  const bound = 12.5 * scale;
  const silu = new Int32Array(2 * bound);
  const dsilu = new Int32Array(2 * bound);
  const powers = new FallingPowers(ACTIVATION_BITS, 0n);
  for (let x = 0; x <= bound; x++) {
    // exp(−x / 2^12) is within 5·2^-53, so σ within 8·2^-53, σ(1 − σ) within 20·2^-53; times x below 2^16, far below NEAR.
    const sigma = 1 / (1 + powers.at(x));
    let value = nearest(x * sigma);
    let derivative = nearest(scale * sigma + x * (sigma * (1 - sigma)));
    if (value < 0 || derivative < 0) [value, derivative] = exactSilu(x, powers);
    if (x < bound) {
      silu[bound + x] = value;
      dsilu[bound + x] = derivative;
    }
    silu[bound - x] = value - x;
    dsilu[bound - x] = scale - derivative;
  }
  return { bound, silu, dsilu };
}

/** silu and silu' at x / 2^12, rounded. @throws RoundingError */
function exactSilu(x: number, powers: FallingPowers): [number, number] {
  const F = BigInt(ACTIVATION_BITS);
  const n = BigInt(x);
  const { power, error } = powers.exact(x);
  const sigma = (ONE << BITS) / (ONE + power);
  // σ has derivative at most 1 in exp(−x); one more ulp is cut by the division.
  const sigmaError = error + 1n;
  const slope = (sigma * (ONE - sigma)) >> BITS; // σ(1 − σ): within 2·sigmaError + 1
  const derivative = roundProven((sigma << F) + n * slope, (sigmaError << F) + n * (2n * sigmaError + 1n));
  return [roundProven(n * sigma, n * sigmaError), derivative];
}
