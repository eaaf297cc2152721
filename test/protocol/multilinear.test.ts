/** Multilinear helpers against their definitions. */
import { describe, expect, it } from 'vitest';
import { P } from '../../protocol/field.ts';
import { ONE, ZERO, add, lift, mul, sub, type Ext } from '../../protocol/extension.ts';
import {
  dot,
  eqPoints,
  eqRange,
  eqTable,
  evaluate,
  contractIntegers,
  eqSum,
  evaluateIntegers,
  interpolate,
  lagrange,
} from '../../protocol/multilinear.ts';
import { causalValue } from '../../protocol/arguments/lookup.ts';
import { UniformStream } from '../../protocol/program/stream.ts';

const stream = new UniformStream(new Uint8Array(32), 'multilinear');
const word = (): bigint => ((BigInt(stream.word()) << 32n) | BigInt(stream.word())) % P;
const element = (): Ext => [word(), word()];
const point = (n: number): Ext[] => Array.from({ length: n }, element);

/** eq(r, i) straight from its product. */
function eqAt(r: readonly Ext[], index: number): Ext {
  return r.reduce((s, x, k) => mul(s, Math.floor(index / 2 ** k) % 2 === 1 ? x : sub(ONE, x)), ONE);
}

describe('equality weights', () => {
  it.each([0, 1, 2, 5])('table of %i variables', (n) => {
    const r = point(n);
    expect(eqTable(r)).toEqual(Array.from({ length: 2 ** n }, (_, i) => eqAt(r, i)));
  });

  it.each([
    [0, 1],
    [3, 1],
    [5, 14],
    [31, 1],
    [0, 32],
    [7, 0],
  ])('range from %i of %i indices', (start, count) => {
    const r = point(5);
    expect(eqRange(r, start, count)).toEqual(Array.from({ length: count }, (_, i) => eqAt(r, start + i)));
  });

  it('eq of two points is the table evaluated at the other', () => {
    const [a, b] = [point(4), point(4)];
    expect(eqPoints(a, b)).toEqual(dot(eqTable(a), eqTable(b)));
  });
});

describe('evaluation', () => {
  it('of a prefix leaves the rest zero', () => {
    const r = point(4);
    const table = point(11);
    const padded = [...table, ...new Array<Ext>(5).fill(ZERO)];
    expect(evaluate(table, r)).toEqual(dot(padded, eqTable(r)));
  });

  it.each([
    ['small', 1, 40, 3],
    ['16 bits', 2 ** 16, 1000, 24],
    ['26 bits', 2 ** 26, 900, 0],
    ['31 bits', 2 ** 31 - 1, 333, 3700],
  ])('of integers of %s equals exact sums', (_, largest, count, start) => {
    const r = [...point(11), [P - 1n, P - 1n] as const];
    const values = Int32Array.from({ length: count }, () => Number(word() % BigInt(2 * largest + 1)) - largest);
    values[0] = largest;
    const expected = dot(
      eqRange(r, start, count),
      Array.from(values, (v) => lift(BigInt(v))),
    );
    expect(evaluateIntegers(values, start, r)).toEqual(expected);
  });

  it.each([0, 1, 5, 43, 63, 64])('the sum of the first %i weights is that of the range', (count) => {
    const r = point(6);
    const sum = eqRange(r, 0, count).reduce<Ext>((s, w) => add(s, w), ZERO);
    expect(eqSum(r, count)).toEqual(sum);
  });

  it('of integers on two axes equals exact sums', () => {
    const [outer, inner] = [point(9), point(4)];
    const values = Int32Array.from({ length: 36 }, () => Number(word() % 2n ** 29n) - 2 ** 28);
    const weights = outer.flatMap((a) => inner.map((b) => mul(a, b)));
    const expected = dot(
      weights,
      Array.from(values, (v) => lift(BigInt(v))),
    );
    expect(contractIntegers(values, outer, inner)).toEqual(expected);
  });

  it('interpolates a cubic', () => {
    const c = point(4);
    const at = (x: Ext): Ext => c.reduceRight((s, k) => add(mul(s, x), k), ZERO);
    const x = element();
    expect(
      interpolate(
        [0n, 1n, 2n, 3n].map((i) => at(lift(i))),
        x,
      ),
    ).toEqual(at(x));
    expect(lagrange(4, x).reduce((s, l) => add(s, l), ZERO)).toEqual(ONE);
  });

  it('the causal mask is its table evaluated', () => {
    const r = point(6);
    const table = Array.from({ length: 64 }, (_, i) => (i % 8 <= Math.floor(i / 8) ? ONE : ZERO));
    expect(causalValue(r, 3)).toEqual(evaluate(table, r));
  });
});
