/** How many queries a code needs in unique decoding, by exact integer arithmetic. */

/**
 * Smallest t with (1 − δ)^t ≤ 2^−bits at the unique-decoding radius δ = (1 − ρ)/2, ρ = 2^−logInvRate:
 * ((2^k + 1)/2^(k+1))^t ≤ 2^−bits.
 */
export function queryCount(logInvRate: number, bits: number): number {
  const base = (1n << BigInt(logInvRate)) + 1n;
  const target = 1n << BigInt(bits);
  let power = 1n;
  for (let t = 0; ; t++) {
    if (power * target <= 1n << BigInt((logInvRate + 1) * t)) return t;
    power *= base;
  }
}
