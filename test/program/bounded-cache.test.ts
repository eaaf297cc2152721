/** A cache's memory is bounded by bytes, whatever asks for its entries. */
import { describe, expect, it } from 'vitest';
import { BoundedCache } from '../../protocol/program/bounded-cache.ts';

/** A cache of 100 bytes and how often it made each value. */
function counting(): { get: (key: string, size: number) => number; made: string[] } {
  const cache = new BoundedCache<number>(100, (size) => size);
  const made: string[] = [];
  return { get: (key, size) => cache.get(key, () => (made.push(key), size)), made };
}

describe('a bounded cache', () => {
  it('keeps what fits', () => {
    const { get, made } = counting();
    for (const key of ['a', 'b', 'a', 'b']) expect(get(key, 50)).toBe(50);
    expect(made).toEqual(['a', 'b']);
  });

  it('drops the oldest for a new one', () => {
    const { get, made } = counting();
    for (const [key, size] of [
      ['a', 50],
      ['b', 30],
      ['c', 30],
      ['b', 30],
      ['c', 30],
      ['a', 50],
    ] as const)
      get(key, size);
    expect(made).toEqual(['a', 'b', 'c', 'a']);
  });

  it('keeps one that is too large until the next comes', () => {
    const { get, made } = counting();
    get('a', 1000);
    get('a', 1000);
    get('b', 1);
    get('b', 1);
    get('a', 1000);
    get('b', 1);
    expect(made).toEqual(['a', 'b', 'a', 'b']);
  });
});
