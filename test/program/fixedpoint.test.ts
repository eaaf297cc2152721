import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BITS,
  ONE,
  RoundingError,
  cosSin,
  expOfFraction,
  integerRoot,
  isqrt,
  roundProven,
} from '../../protocol/program/fixedpoint.ts';

const real = (value: bigint): number => Number(value) / 2 ** Number(BITS);

describe('roots', () => {
  test('are floors for any number and degree', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 600n), fc.integer({ min: 1, max: 70 }), (n, k) => {
        const root = integerRoot(n, k);
        const degree = BigInt(k);
        return root ** degree <= n && (root + 1n) ** degree > n;
      }),
    );
  });

  test('are exact next to perfect powers', () => {
    for (const root of [1n, 2n, 3n, 0xffffffffn, 1n << 64n]) {
      for (const k of [2, 3, 64]) {
        const power = root ** BigInt(k);
        expect(integerRoot(power, k)).toBe(root);
        expect(integerRoot(power - 1n, k)).toBe(root - 1n);
      }
    }
    expect([0n, 1n, 2n, 3n, 4n].map(isqrt)).toEqual([0n, 1n, 1n, 1n, 2n]);
  });

  test('refuse negative numbers and degree 0', () => {
    expect(() => isqrt(-1n)).toThrow(RangeError);
    expect(() => integerRoot(5n, 0)).toThrow(RangeError);
  });
});

describe('series', () => {
  test('agree with float64', () => {
    for (const [n, d] of [
      [-1n, 1n],
      [1n, 1n],
      [-1n, 1024n],
      [1n, 4096n],
      [-3n, 7n],
      [0n, 5n],
    ] as const) {
      expect(real(expOfFraction(n, d))).toBeCloseTo(Math.exp(Number(n) / Number(d)), 14);
    }
    for (const x of [0, 2 ** -20, 0.25, 0.7265625, 1]) {
      const [cos, sin] = cosSin(BigInt(x * 2 ** 20) << (BITS - 20n));
      expect(real(cos)).toBeCloseTo(Math.cos(x), 14);
      expect(real(sin)).toBeCloseTo(Math.sin(x), 14);
    }
  });

  test('hold their identities far beyond float64', () => {
    const product = (expOfFraction(-3n, 7n) * expOfFraction(3n, 7n)) >> BITS;
    expect(product - ONE).toBeLessThan(1000n);
    expect(ONE - product).toBeLessThan(1000n);
    const [cos, sin] = cosSin(ONE / 3n);
    const norm = (cos * cos + sin * sin) >> BITS;
    expect(norm - ONE).toBeLessThan(1000n);
    expect(ONE - norm).toBeLessThan(1000n);
  });

  test('refuse arguments outside their range', () => {
    expect(() => expOfFraction(2n, 1n)).toThrow(RangeError);
    expect(() => expOfFraction(1n, 0n)).toThrow(RangeError);
    expect(() => cosSin(ONE + 1n)).toThrow(RangeError);
    expect(() => cosSin(-1n)).toThrow(RangeError);
  });
});

describe('roundProven', () => {
  test('rounds to the nearest integer on either side of zero', () => {
    const third = ONE / 3n;
    expect(roundProven(7n * ONE + third, 5n)).toBe(7);
    expect(roundProven(7n * ONE - third, 5n)).toBe(7);
    expect(roundProven(-7n * ONE - third, 5n)).toBe(-7);
    expect(roundProven(-7n * ONE + third, 5n)).toBe(-7);
  });

  test('refuses a value within its error of a boundary, and takes one just outside', () => {
    const boundary = 4n * ONE + ONE / 2n;
    expect(() => roundProven(boundary - 5n, 5n)).toThrow(RoundingError);
    expect(() => roundProven(boundary, 1n)).toThrow(RoundingError);
    expect(roundProven(boundary - 6n, 5n)).toBe(4);
    expect(roundProven(boundary + 5n, 5n)).toBe(5);
  });
});
