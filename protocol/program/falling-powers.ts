/** exp((start − i) / 2^k) for i = 0, 1, …: as doubles at once, and as 128-bit integers where somebody asks. */
import { BITS, EXP_ERROR, expOfFraction } from './fixedpoint.ts';

/** Powers between two that are carried on in integers. */
const STRIDE = 64;

/** A power in 128-bit fixed point, and how many ulps it may be off by. */
export interface ExactPower {
  readonly power: bigint;
  readonly error: bigint;
}

const UNIT = 2 ** Number(BITS);

export class FallingPowers {
  readonly #denominator: bigint;
  /** exp(−j / 2^k), j below STRIDE. */
  readonly #fine: readonly bigint[];
  readonly #fineDoubles: Float64Array;
  readonly #stride: bigint;
  /** Every STRIDE-th power, as far as they were asked for. */
  readonly #coarse: ExactPower[];
  readonly #coarseDoubles: number[];

  /**
   * @param logDenominator k
   * @param start at most 2^k
   */
  constructor(logDenominator: number, start: bigint) {
    this.#denominator = 1n << BigInt(logDenominator);
    const exp = (numerator: bigint): bigint => expOfFraction(numerator, this.#denominator);
    this.#fine = Array.from({ length: STRIDE }, (_, j) => exp(BigInt(-j)));
    this.#fineDoubles = Float64Array.from(this.#fine, (power) => Number(power) / UNIT);
    this.#stride = exp(BigInt(-STRIDE));
    this.#coarse = [{ power: exp(start), error: EXP_ERROR }];
    this.#coarseDoubles = [Number(this.#coarse[0].power) / UNIT];
  }

  /**
   * The power, off by at most 5·2^-53 of itself: two conversions and a product round once each, and what the integers are off
   * by is far less as long as the power is above 2^-60. Below, it is off by at most 2^-100 more.
   */
  at(i: number): number {
    return this.#coarseAt(Math.floor(i / STRIDE)) * this.#fineDoubles[i % STRIDE];
  }

  /** The power with its error. */
  exact(i: number): ExactPower {
    this.#coarseAt(Math.floor(i / STRIDE));
    return times(this.#coarse[Math.floor(i / STRIDE)], this.#fine[i % STRIDE]);
  }

  #coarseAt(index: number): number {
    for (let n = this.#coarse.length; n <= index; n++) {
      this.#coarse.push(times(this.#coarse[n - 1], this.#stride));
      this.#coarseDoubles.push(Number(this.#coarse[n].power) / UNIT);
    }
    return this.#coarseDoubles[index];
  }
}

/**
 * The factor is at most 1 and off by EXP_ERROR, the power at most 2: the product is off by `error`, 2·EXP_ERROR, one ulp that
 * is cut, and less than one for both errors together, as long as `error` is below 2^100.
 */
function times({ power, error }: ExactPower, factor: bigint): ExactPower {
  return { power: (power * factor) >> BITS, error: error + 2n * EXP_ERROR + 2n };
}
