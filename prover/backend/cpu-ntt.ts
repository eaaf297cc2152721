import { CosetTransform, writeCanonical } from '../../commitment/ntt.ts';

/**
 * Values of a polynomial on a subgroup: out[j] = Σ_i coefficients[i]·ω^(ij), ω = rootOfUnity(logSize).
 * @param coefficients at most 2^logSize elements of F_p; missing ones are zero.
 */
export function evaluateOnSubgroup(coefficients: readonly bigint[], logSize: number): bigint[] {
  const size = 2 ** logSize;
  const lo = new Float64Array(size);
  const hi = new Float64Array(size);
  coefficients.forEach((c, i) => {
    lo[i] = Number(c & 0xffffffffn);
    hi[i] = Number(c >> 32n);
  });
  new CosetTransform(logSize, 0).transform(lo, hi);
  const words = new Uint32Array(2 * size);
  writeCanonical(words, 0, 2, lo, hi);
  const out = new Array<bigint>(size);
  for (let i = 0, j = 0; i < size; i++) {
    out[j] = (BigInt(words[2 * i]) << 32n) | BigInt(words[2 * i + 1]);
    // j has the bits of i reversed: the next one carries from the highest bit downwards.
    let bit = size / 2;
    for (; bit >= 1 && j & bit; bit /= 2) j -= bit;
    j += bit;
  }
  return out;
}
