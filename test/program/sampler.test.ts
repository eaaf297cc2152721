import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowsOfStep } from '../../protocol/program/sampler.ts';
import { UniformStream } from '../../protocol/program/stream.ts';

const seed = new Uint8Array(32).fill(7);
const other = new Uint8Array(32).fill(8);

describe('stream', () => {
  test('is SHA-256 in counter mode, as documented', () => {
    const stream = new UniformStream(seed, 'a label');
    const key = sha256(concatBytes(utf8ToBytes('zklora/stream/v1'), seed, utf8ToBytes('a label')));
    const expected = [0, 1, 2].flatMap((block) => {
      const counter = new Uint8Array(32);
      counter[31] = block;
      const digest = sha256(concatBytes(key, counter));
      const view = new DataView(digest.buffer);
      return Array.from({ length: 8 }, (_, word) => view.getUint32(4 * word));
    });
    expect(Array.from({ length: 24 }, () => stream.word())).toEqual(expected);
  });

  test('depends on seed and label', () => {
    const words = [
      [seed, 'a'],
      [seed, 'b'],
      [other, 'a'],
    ].map(([s, label]) => new UniformStream(s as Uint8Array, label as string).word());
    expect(new Set(words).size).toBe(3);
  });

  test('stays below its bound, and reaches every value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (n) => {
        const value = new UniformStream(seed, `below ${n}`).below(n);
        return Number.isInteger(value) && value >= 0 && value < n;
      }),
    );
    const stream = new UniformStream(seed, 'dice');
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 6000; i++) counts[stream.below(6)]++;
    // Six standard deviations of a fair die: 6·√(6000·5/36) = 173.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(173);
  });

  test('rejects words that would favour small values', () => {
    // With n = 3·2^30 a quarter of all words is rejected; taken modulo n they would make small values twice as likely.
    const n = 3 * 2 ** 30;
    const plain = new UniformStream(seed, 'rejection');
    const accepted: number[] = [];
    while (accepted.length < 50) {
      const word = plain.word();
      if (word < n) accepted.push(word);
    }
    const stream = new UniformStream(seed, 'rejection');
    expect(accepted.map(() => stream.below(n))).toEqual(accepted);
  });

  test('refuses bad seeds and bounds', () => {
    expect(() => new UniformStream(new Uint8Array(31), 'a')).toThrow(RangeError);
    for (const n of [0, -1, 1.5, 2 ** 32 + 1, NaN]) {
      expect(() => new UniformStream(seed, 'a').below(n)).toThrow(RangeError);
    }
  });
});

describe('rowsOfStep', () => {
  test('an epoch uses each row at most once and leaves fewer than a batch out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), fc.nat(3), (a, b, epoch) => {
        const [rows, batch] = [Math.max(a, b), Math.min(a, b)];
        const steps = Math.floor(rows / batch);
        const used = Array.from({ length: steps }, (_, k) => rowsOfStep(seed, rows, batch, epoch * steps + k)).flat();
        expect(used.length).toBe(steps * batch);
        expect(rows - used.length).toBeLessThan(batch);
        expect(new Set(used).size).toBe(used.length);
        expect(used.every((row) => row >= 0 && row < rows)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('is the documented shuffle', () => {
    const order = Array.from({ length: 10 }, (_, row) => row);
    const stream = new UniformStream(seed, 'sampler/epoch/1');
    for (let i = 0; i < 9; i++) {
      const j = i + stream.below(10 - i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    // Three steps of 3 rows an epoch: steps 3, 4 and 5 are epoch 1.
    expect([3, 4, 5].flatMap((step) => rowsOfStep(seed, 10, 3, step))).toEqual(order.slice(0, 9));
  });

  test('stays the same for ever', () => {
    expect(rowsOfStep(seed, 1588, 8, 3)).toEqual([218, 1542, 162, 707, 1562, 1060, 271, 277]);
    expect(rowsOfStep(seed, 1588, 8, 200)).toEqual([608, 746, 1458, 845, 1562, 801, 568, 79]);
  });

  test('epochs and seeds differ', () => {
    const first = rowsOfStep(seed, 100, 100, 0);
    expect(rowsOfStep(seed, 100, 100, 1)).not.toEqual(first);
    expect(rowsOfStep(other, 100, 100, 0)).not.toEqual(first);
  });

  test('every row comes first about equally often', () => {
    const counts = new Array<number>(5).fill(0);
    for (let epoch = 0; epoch < 2000; epoch++) counts[rowsOfStep(seed, 5, 5, epoch)[0]]++;
    // Six standard deviations: 6·√(2000·4/25) = 107.
    for (const count of counts) expect(Math.abs(count - 400)).toBeLessThan(107);
  });

  test('a caller cannot change a later answer', () => {
    const rows = rowsOfStep(seed, 20, 4, 0);
    const copy = [...rows];
    rows.fill(0);
    expect(rowsOfStep(seed, 20, 4, 0)).toEqual(copy);
  });

  test('refuses impossible batches and steps', () => {
    expect(() => rowsOfStep(seed, 0, 1, 0)).toThrow(RangeError);
    expect(() => rowsOfStep(seed, 2 ** 24 + 1, 1, 0)).toThrow(RangeError);
    expect(() => rowsOfStep(seed, 5, 6, 0)).toThrow(/1 to 5 rows/);
    expect(() => rowsOfStep(seed, 5, 0, 0)).toThrow(RangeError);
    expect(() => rowsOfStep(seed, 5, 2, -1)).toThrow(RangeError);
    expect(() => rowsOfStep(seed, 5, 2, 0.5)).toThrow(RangeError);
  });
});
