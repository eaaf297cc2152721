/** The transform against its definition: Horner's rule in bigints. */
import { describe, expect, test } from 'vitest';
import { CosetTransform, writeCanonical } from '../../commitment/ntt.ts';
import { P, pow, rootOfUnity } from '../../protocol/field.ts';

const horner = (coefficients: readonly bigint[], x: bigint): bigint =>
  coefficients.reduceRight((sum, c) => (sum * x + c) % P, 0n);

const reversed = (i: number, bits: number): number =>
  bits === 0 ? 0 : parseInt(i.toString(2).padStart(bits, '0').split('').reverse().join(''), 2);

/** Values on a coset by index of the transform, canonical. */
function values(coefficients: readonly bigint[], logInvRate: number, coset: number): bigint[] {
  const logHeight = Math.log2(coefficients.length);
  const lo = Float64Array.from(coefficients, (c) => Number(c & 0xffffffffn));
  const hi = Float64Array.from(coefficients, (c) => Number(c >> 32n));
  const transform = new CosetTransform(logHeight, logInvRate);
  transform.select(coset);
  transform.transform(lo, hi);
  const words = new Uint32Array(2 * lo.length);
  writeCanonical(words, 0, 2, lo, hi);
  return Array.from(lo, (_, i) => (BigInt(words[2 * i]) << 32n) | BigInt(words[2 * i + 1]));
}

const PATTERNS: [string, (i: number) => bigint][] = [
  ['the largest elements', () => P - 1n],
  ['the largest cells', () => 2n ** 32n - 1n],
  ['full low words', (i) => (BigInt(i % 7) << 32n) | 0xffffffffn],
  ['elements without pattern', (i) => pow(7n, BigInt(i) * 0x9e3779b97f4a7c15n)],
  ['zeros', () => 0n],
];

describe.each(PATTERNS)('%s', (_, coefficient) => {
  test.each([
    [0, 0],
    [0, 4],
    [1, 2],
    [5, 1],
    [9, 4],
    [12, 4],
  ])('columns of 2^%i at rate 2^-%i', (logHeight, logInvRate) => {
    const coefficients = Array.from({ length: 2 ** logHeight }, (_, i) => coefficient(i));
    const root = rootOfUnity(logHeight + logInvRate);
    for (const coset of [0, 1, 2 ** logInvRate - 1].filter((c) => c < 2 ** logInvRate)) {
      const found = values(coefficients, logInvRate, coset);
      for (let i = 0; i < found.length; i += Math.max(1, found.length >> 5)) {
        const exponent = coset + 2 ** logInvRate * reversed(i, logHeight);
        expect(found[i], `coset ${coset}, index ${i}`).toBe(horner(coefficients, pow(root, BigInt(exponent))));
      }
    }
  });
});

test('a column of 2^18, which is carried twice', () => {
  const coefficients = new Array<bigint>(2 ** 18).fill(P - 1n);
  const root = rootOfUnity(22);
  const found = values(coefficients, 4, 11);
  for (const i of [0, 1, 77_777, 2 ** 18 - 1])
    expect(found[i]).toBe(horner(coefficients, pow(root, BigInt(11 + 16 * reversed(i, 18)))));
});

test('numbers beyond the canonical range are the elements that they are congruent to', () => {
  const cases = [
    [-1, 0],
    [0, -1],
    [2 ** 37, -(2 ** 37)],
    [1, 2 ** 32 - 1],
    [0, 2 ** 32 - 1],
    [2 ** 32, 2 ** 32],
    [-(2 ** 36), 2 ** 36 + 1],
  ];
  const words = new Uint32Array(3 * cases.length);
  const column = (at: number): Float64Array => Float64Array.from(cases, (pair) => pair[at]);
  writeCanonical(words, 1, 3, column(0), column(1));
  cases.forEach(([lo, hi], i) => {
    const value = (((BigInt(lo) + (BigInt(hi) << 32n)) % P) + P) % P;
    expect((BigInt(words[3 * i + 1]) << 32n) | BigInt(words[3 * i + 2])).toBe(value);
    expect(words[3 * i]).toBe(0);
  });
});

test('there is no subgroup larger than the field’s', () => {
  expect(() => new CosetTransform(0, 33)).toThrow(RangeError);
});
