import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { expTable, siluTables } from '../../protocol/program/exp.ts';
import { FallingPowers } from '../../protocol/program/falling-powers.ts';
import { BITS, EXP_ERROR, expOfFraction, roundProven } from '../../protocol/program/fixedpoint.ts';
import { ropeTables } from '../../protocol/program/rope.ts';
import { siluColumns } from '../../protocol/program/tables.ts';

// The digests below (SHA-256 of little-endian int32) come from a float64 PyTorch computation of the same tables,
// torch.round(f(x)·2^k): an implementation that shares nothing with this one.
const digest = (values: Int32Array): string => bytesToHex(sha256(new Uint8Array(values.buffer)));

/** T(u) from T(1) downwards in 128-bit integers alone, by E ← ⌊E·exp(−2^-10)⌋. */
function expInIntegers(bits: number): number[] {
  const step = expOfFraction(-1n, 1024n);
  const falling: number[] = [];
  let error = EXP_ERROR;
  for (let power = expOfFraction(1n, 1024n); falling.at(-1) !== 0; power = (power * step) >> BITS) {
    falling.push(roundProven(power << BigInt(bits), error << BigInt(bits)));
    error += 2n * EXP_ERROR + 1n;
  }
  return falling.slice(0, -1).reverse();
}

describe('powers', () => {
  test.each([
    [10, 1n, 22_000],
    [12, 0n, 51_201],
  ])('of exp(−2^-%i) are as near as they say, in any order', (bits, start, count) => {
    const powers = new FallingPowers(bits, start);
    for (let n = 0; n < 2000; n++) {
      const i = (n * 7919) % count;
      const { power, error } = powers.exact(i);
      // A double above 2^-75 is a multiple of 2^-128.
      const double = BigInt(powers.at(i) * 2 ** 128);
      const off = double > power ? double - power : power - double;
      expect((off - error) << 53n).toBeLessThanOrEqual(5n * power);
      expect(Number(power) / 2 ** 128).toBeCloseTo(Math.exp((Number(start) - i) / 2 ** bits), 14);
    }
  });
});

describe('exp', () => {
  test.each([1, 10, 12, 14, 24, 29, 30])('is that of integers alone at %i bits', (bits) => {
    expect([...expTable(bits).values]).toEqual(expInIntegers(bits));
  });

  test.each([
    [16, -12066, 'fb65b1eb2759981818f79e466beac95793084cfd15e46dd8a1e8fd1064467a48'],
    [24, -17744, 'ef68c5505e3f29ca254c5b5e9bdba3dfad24a87ec657c66ec45eeafe78240539'],
  ])('equals float64 at %i bits', (bits, lowest, expected) => {
    const table = expTable(bits);
    expect(table.lowest).toBe(lowest);
    expect(table.values.length).toBe(2 - lowest);
    expect(digest(table.values)).toBe(expected);
  });

  test.each([1, 2, 8, 16, 17, 24, 30])('covers exactly the entries that are not 0 at %i bits', (bits) => {
    const { lowest, values } = expTable(bits);
    const exact = (u: number): number => 2 ** bits * Math.exp(u / 1024);
    expect(exact(lowest)).toBeGreaterThan(0.5);
    expect(exact(lowest - 1)).toBeLessThan(0.5);
    // The closed form for the zeros: u < −1024·ln 2^(P+1).
    expect(lowest).toBe(Math.ceil(-1024 * Math.log(2 ** (bits + 1))));
    expect(values[-lowest]).toBe(2 ** bits);
    expect(values.at(-1)).toBe(Math.round(exact(1)));
    expect(values[0]).toBe(1);
  });

  test('never falls, so that the smallest μ of softmax is unique', () => {
    const { values } = expTable(24);
    expect(values.every((value, i) => i === 0 || value >= values[i - 1])).toBe(true);
  });

  test('refuses a number of bits that the tables are not made for', () => {
    for (const bits of [0, 31, 16.5, NaN]) expect(() => expTable(bits)).toThrow(RangeError);
  });
});

describe('silu', () => {
  const { bound, silu, dsilu } = siluTables();
  const sigma = (y: number): number => 1 / (1 + Math.exp(-y));

  test('equals float64', () => {
    expect(bound).toBe(51200);
    expect(digest(silu)).toBe('ebee6d3e38a31e09197fade4fe122728393e0448dfffab8351fc89f6a6ae22fa');
    expect(digest(dsilu)).toBe('78625f803f41d726dfa031e4767e41283fc3e91d13520691f022f748e02edd33');
  });

  test('meets the closed forms at the bound, where rounding has reached them', () => {
    expect(silu[0]).toBe(0);
    expect(dsilu[0]).toBe(0);
    expect(silu.at(-1)).toBe(bound - 1);
    expect(dsilu.at(-1)).toBe(4096);
    // Beyond the bound both distances, x·σ(−x) and (x − 1)·e^−x, fall: the closed form is the rounded value for good.
    for (let x = bound; x < bound + 4096; x++) {
      const y = x / 4096;
      expect(Math.round(4096 * y * sigma(y))).toBe(x);
      expect(Math.round(4096 * sigma(y) * (1 + y * (1 - sigma(y))))).toBe(4096);
    }
  });

  test('keeps the symmetries of the function', () => {
    for (let x = 1; x < bound; x += 97) {
      expect(silu[bound - x]).toBe(silu[bound + x] - x);
      expect(dsilu[bound - x]).toBe(4096 - dsilu[bound + x]);
    }
    expect([silu[bound], dsilu[bound]]).toEqual([0, 2048]);
  });
});

describe('rows of silu', () => {
  const { bound, silu, dsilu } = siluTables();
  test.each([1, 8, 16, 17, 18])('hold the table as far as %i bits go, and the closed forms beyond it', (bits) => {
    const half = 2 ** (bits - 1);
    const { min, start, columns } = siluColumns(bits);
    expect([min, start]).toEqual([BigInt(-half), 0]);
    const expected = Array.from({ length: 2 * half }, (_, i) => {
      const x = i - half;
      if (x < -bound) return [0, 0];
      return x < bound ? [silu[x + bound], dsilu[x + bound]] : [x, 4096];
    });
    expect([...columns[0]]).toEqual(expected.map(([value]) => value));
    expect([...columns[1]]).toEqual(expected.map(([, slope]) => slope));
  });
});

describe('rope', () => {
  test('equals the reference for the example model', () => {
    const tables = ropeTables(10000, 8, 64);
    expect([tables.cos, tables.sin, tables.cosQ, tables.sinQ].map(digest)).toEqual([
      '8cd2fb7d632f21dc75c5175f2cd73bb62fa585c039a88845ab104b2b92f702cb',
      'fcee4d82c0ab7119ca5cd7ddabb3566b75eb0f111b06bf1572f3a49fee28e4b0',
      'ad748a579b2c17edfc9691f46ac88b6f12c9290c48a9c3408abf152475c5b78d',
      'f0eb6d47e3111b8479dfac451995f91156340f81cf5328a62d7beb29ee7263d8',
    ]);
  });

  test.each([
    [10000, 8, 64],
    [10000, 128, 256],
    [500000, 64, 100],
    [10000.1, 6, 33],
    [1, 2, 7],
    [1e6, 100, 17],
  ])('is within float64 of θ = %d, head %i, %i positions', (theta, headDim, seqLen) => {
    const tables = ropeTables(theta, headDim, seqLen);
    const half = headDim / 2;
    let worst = 0;
    for (let p = 0; p < seqLen; p++) {
      for (let i = 0; i < half; i++) {
        const angle = p * theta ** ((-2 * i) / headDim);
        const fold = 4 / Math.sqrt(headDim);
        const pairs = [
          [tables.cos, Math.cos(angle)],
          [tables.sin, Math.sin(angle)],
          [tables.cosQ, Math.cos(angle) * fold],
          [tables.sinQ, Math.sin(angle) * fold],
        ] as const;
        for (const [table, value] of pairs) {
          worst = Math.max(worst, Math.abs(table[p * half + i] - value * 2 ** 14));
        }
      }
    }
    expect(worst).toBeLessThan(0.5 + 1e-8);
  });

  test('position 0 turns nothing', () => {
    const { cos, sin, cosQ, sinQ } = ropeTables(10000, 64, 1);
    expect(new Set(cos)).toEqual(new Set([16384]));
    expect(new Set(cosQ)).toEqual(new Set([8192]));
    expect(new Set([...sin, ...sinQ])).toEqual(new Set([0]));
  });

  test('takes theta as the decimal that config.json holds', () => {
    expect(ropeTables('10000.0', 8, 64)).toEqual(ropeTables(10000, 8, 64));
    expect(ropeTables('5e5', 8, 64)).toEqual(ropeTables(500000, 8, 64));
    expect(() => ropeTables('ten', 8, 64)).toThrow(RangeError);
  });

  test('a longer row continues a shorter one', () => {
    const short = ropeTables(10000, 8, 64);
    const long = ropeTables(10000, 8, 100);
    expect(long.cos.subarray(0, short.cos.length)).toEqual(short.cos);
    expect(long.sinQ.subarray(0, short.sinQ.length)).toEqual(short.sinQ);
  });

  test('refuses what it is not made for', () => {
    expect(() => ropeTables(0.5, 8, 64)).toThrow(RangeError);
    expect(() => ropeTables(NaN, 8, 64)).toThrow(RangeError);
    expect(() => ropeTables(10000, 7, 64)).toThrow(RangeError);
    expect(() => ropeTables(10000, 8, 0)).toThrow(RangeError);
  });
});
