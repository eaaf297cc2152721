/**
 * The base field F_p, p = 2^64 − 2^32 + 1 ("Goldilocks"). Elements are canonical bigints in [0, p).
 */
export const P = 0xffffffff00000001n;

/** log₂ of the order of the largest power-of-two subgroup of F_p*. */
export const TWO_ADICITY = 32;

/** A generator of F_p* (7 is the least one). */
const GENERATOR = 7n;

/** Canonical representative of any bigint. */
export function mod(a: bigint): bigint {
  const r = a % P;
  return r < 0n ? r + P : r;
}

export function add(a: bigint, b: bigint): bigint {
  const s = a + b;
  return s >= P ? s - P : s;
}

export function sub(a: bigint, b: bigint): bigint {
  const d = a - b;
  return d < 0n ? d + P : d;
}

export function mul(a: bigint, b: bigint): bigint {
  return (a * b) % P;
}

export function pow(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P;
  return result;
}

/** Multiplicative inverse. @throws RangeError for zero. */
export function inverse(a: bigint): bigint {
  if (a === 0n) throw new RangeError('zero has no inverse in F_p');
  return pow(a, P - 2n);
}

const roots: bigint[] = [];

/** The canonical primitive 2^bits-th root of unity, 7^((p−1)/2^bits). @throws RangeError outside 0..32. */
export function rootOfUnity(bits: number): bigint {
  if (bits < 0 || bits > TWO_ADICITY) throw new RangeError(`no root of unity of order 2^${bits} in F_p`);
  return (roots[bits] ??= pow(GENERATOR, (P - 1n) >> BigInt(bits)));
}
