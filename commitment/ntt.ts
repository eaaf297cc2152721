/**
 * Polynomials over F_p on the cosets of a subgroup, in double-precision arithmetic: an engine multiplies doubles many
 * times faster than bigints.
 *
 * An element is lo + 2^32·hi with integers lo and hi in two Float64Arrays; in [0, 2^32) they are canonical, in between they
 * may leave that range. Every intermediate value is an integer below 2^53 in size, so all of this is exact.
 *
 * The transform splits f mod (x^2m − t²) into f mod (x^m − t) and f mod (x^m + t), down to values at points.
 */
import { mul, pow, rootOfUnity } from '../protocol/field.ts';

const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;
const INVERSE_16 = 2 ** -16;
const INVERSE_32 = 2 ** -32;

/** Each layer adds 2^32 to the size of lo and hi; a product is exact up to 10.5·2^32. */
const LAYERS_BETWEEN_CARRIES = 8;

/**
 * One layer: block b of 2·count elements becomes (u + t·v, u − t·v) of its halves u and v.
 * @param limbs 16 bits each, lowest first: those of t for block b begin at 4·(blocks − 1 + b)
 */
function layer(lo: Float64Array, hi: Float64Array, limbs: Uint16Array, blocks: number, count: number): void {
  for (let b = 0; b < blocks; b++) {
    const at = 4 * (blocks - 1 + b);
    const t0 = limbs[at];
    const t1 = limbs[at + 1];
    const t2 = limbs[at + 2];
    const t3 = limbs[at + 3];
    const begin = 2 * count * b;
    for (let i = begin, j = begin + count; i < begin + count; i++, j++) {
      const a = lo[j];
      const c = hi[j];
      // 2^64 = 2^32 − 1 and 2^80 = 2^48 − 2^16: c·t2 and c·t3 are each taken twice.
      const c2 = c * t2;
      const c3 = c * t3;
      const d1 = a * t1 - c3;
      const d3 = a * t3 + c * t1 + c3;
      const q1 = Math.floor(d1 * INVERSE_16);
      const q3 = Math.floor(d3 * INVERSE_16);
      let l = a * t0 - c2 + (d1 - q1 * TWO_16) * TWO_16 - q3;
      let h = a * t2 + c * t0 + c2 + q1 + q3 + (d3 - q3 * TWO_16) * TWO_16;
      const carry = Math.floor(l * INVERSE_32);
      h += carry;
      const over = Math.floor(h * INVERSE_32);
      l -= carry * TWO_32 + over;
      h += over - over * TWO_32;
      const x = lo[i];
      const y = hi[i];
      lo[i] = x + l;
      hi[i] = y + h;
      lo[j] = x - l;
      hi[j] = y - h;
    }
  }
}

/** Brings lo and hi back to about [0, 2^32): off by less than 2^16. */
function carryAll(lo: Float64Array, hi: Float64Array): void {
  for (let i = 0; i < lo.length; i++) {
    const carry = Math.floor(lo[i] * INVERSE_32);
    const h = hi[i] + carry;
    const over = Math.floor(h * INVERSE_32);
    lo[i] -= carry * TWO_32 + over;
    hi[i] = h - over * TWO_32 + over;
  }
}

/**
 * Writes canonical elements as pairs of words, the higher one first.
 * @param target words; element i goes to offset + stride·i
 */
export function writeCanonical(
  target: Uint32Array,
  offset: number,
  stride: number,
  lo: Float64Array,
  hi: Float64Array,
): void {
  for (let i = 0, at = offset; i < lo.length; i++, at += stride) {
    let l = lo[i];
    let h = hi[i];
    while (l < 0 || l >= TWO_32 || h < 0 || h >= TWO_32) {
      const carry = Math.floor(l * INVERSE_32);
      h += carry;
      const over = Math.floor(h * INVERSE_32);
      l -= carry * TWO_32 + over;
      h += over - over * TWO_32;
    }
    // p = 2^64 − 2^32 + 1: from there on the high word is full and the low one is not 0.
    const beyond = h === TWO_32 - 1 && l > 0;
    target[at] = beyond ? 0 : h;
    target[at + 1] = beyond ? l - 1 : l;
  }
}

/** Writes elements, pairs of words with the higher one first, as limbs of 16 bits, the lowest first. */
function writeLimbs(target: Uint16Array, offset: number, words: Uint32Array, count: number): void {
  for (let i = 0, at = 4 * offset; i < count; i++, at += 4) {
    target[at] = words[2 * i + 1];
    target[at + 1] = words[2 * i + 1] >>> 16;
    target[at + 2] = words[2 * i];
    target[at + 3] = words[2 * i] >>> 16;
  }
}

/** Evaluation of polynomials below degree 2^logHeight on the 2^logInvRate cosets that make up a larger subgroup. */
export class CosetTransform {
  readonly height: number;
  readonly #logHeight: number;
  readonly #logInvRate: number;
  /** Roots of unity of the subgroup of order `height`, in the order of the blocks, for a transform without a coset. */
  readonly #lo: Float64Array;
  readonly #hi: Float64Array;
  /** Factors of the selected coset's layers; layer k has 2^k from 2^k − 1 on. */
  readonly #limbs: Uint16Array;
  readonly #factor = new Uint16Array(4);

  /** @throws RangeError when F_p has no subgroup of order 2^(logHeight + logInvRate) */
  constructor(logHeight: number, logInvRate: number) {
    this.height = 2 ** logHeight;
    this.#logHeight = logHeight;
    this.#logInvRate = logInvRate;
    rootOfUnity(logHeight + logInvRate);
    const half = Math.max(1, this.height / 2);
    this.#lo = new Float64Array(half);
    this.#hi = new Float64Array(half);
    this.#limbs = new Uint16Array(4 * this.height);
    this.#lo[0] = 1;
    // Block b + 2^q has block b's root times one of order 2^(q + 2).
    for (let q = 0; 2 ** q < half; q++) {
      const { lo, hi } = this.#products(2 ** q, rootOfUnity(q + 2));
      carryAll(lo, hi);
      this.#lo.set(lo, 2 ** q);
      this.#hi.set(hi, 2 ** q);
    }
    this.select(0);
  }

  /** factor · the first `count` roots. */
  #products(count: number, factor: bigint): { lo: Float64Array; hi: Float64Array } {
    const lo = new Float64Array(2 * count);
    const hi = new Float64Array(2 * count);
    lo.set(this.#lo.subarray(0, count), count);
    hi.set(this.#hi.subarray(0, count), count);
    writeLimbs(this.#factor, 0, Uint32Array.of(Number(factor >> 32n), Number(factor & 0xffffffffn)), 1);
    layer(lo, hi, this.#factor, 1, count);
    return { lo: lo.subarray(0, count), hi: hi.subarray(0, count) };
  }

  /** Goes on with the coset ω^coset·⟨ω^(2^logInvRate)⟩, ω the root of unity of order 2^(logHeight + logInvRate). */
  select(coset: number): void {
    const shift = pow(rootOfUnity(this.#logHeight + this.#logInvRate), BigInt(coset));
    const words = new Uint32Array(2 * this.#lo.length);
    let factor = shift;
    for (let k = this.#logHeight - 1; k >= 0; k--) {
      const { lo, hi } = this.#products(2 ** k, factor);
      writeCanonical(words, 0, 2, lo, hi);
      writeLimbs(this.#limbs, 2 ** k - 1, words, 2 ** k);
      factor = mul(factor, factor);
    }
  }

  /**
   * Values on the selected coset, in place: index i gets f(ω^(coset + 2^logInvRate·m)) with m the bits of i reversed.
   * @param lo `height` canonical coefficients, low words; the results are not canonical
   * @param hi high words
   */
  transform(lo: Float64Array, hi: Float64Array): void {
    for (let k = 0; k < this.#logHeight; k++) {
      if (k > 0 && k % LAYERS_BETWEEN_CARRIES === 0) carryAll(lo, hi);
      layer(lo, hi, this.#limbs, 2 ** k, 2 ** (this.#logHeight - k - 1));
    }
  }
}
