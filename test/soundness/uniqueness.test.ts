/**
 * Each operation's result is the only one: for every input of a toy width, of all cells that pass their range lookups exactly
 * those of the right result satisfy the operation's relations. Sums are taken modulo p, as a proof takes them.
 */
import { describe, expect, it } from 'vitest';
import { mod } from '../../protocol/field.ts';
import { ProgramBuilder, signed, term, unsigned, use, type RangeSpec } from '../../protocol/program/builder.ts';
import { expTable } from '../../protocol/program/exp.ts';
import { axis, type Operand, type Tensor } from '../../protocol/program/tensors.ts';
import type { Relation } from '../../protocol/program/relations.ts';
import { micro } from '../support/micro.ts';

const ONE = [axis('row', 1)];

/** A program over single values: inputs are given, all other cells run through their ranges. */
class Scalar {
  readonly b = new ProgramBuilder(3);
  readonly #inputs: Tensor[] = [];

  input(range: RangeSpec): Tensor {
    const tensor = this.b.tensor(`in${this.#inputs.length}`, ONE, range);
    this.#inputs.push(tensor);
    return tensor;
  }

  tensor(name: string, range: RangeSpec): Operand {
    return use(this.b.tensor(name, ONE, range));
  }

  /** Values of `of` in every satisfying assignment, for some values of the inputs. */
  solutions(inputs: readonly bigint[], of: Operand): bigint[] {
    const { cells, relations } = this.b.finish();
    const values = new Map<string, bigint>();
    this.#inputs.forEach((t, i) => {
      let rest = inputs[i] - t.offset;
      for (const { cells: c } of t.parts) {
        const size = 1n << BigInt(c.bits ?? 0);
        values.set(c.name, rest % size);
        rest /= size;
      }
    });
    const free = cells.filter((c) => !values.has(c.name));
    const found: bigint[] = [];
    const walk = (depth: number): void => {
      if (depth === free.length) {
        if (relations.every((r) => residue(r, values) === 0n)) found.push(valueOf(of, values));
        return;
      }
      for (let v = 0n; v < 1n << BigInt(free[depth].bits ?? 0); v++) {
        values.set(free[depth].name, v);
        walk(depth + 1);
      }
    };
    walk(0);
    return found;
  }
}

function valueOf({ tensor }: Operand, cells: ReadonlyMap<string, bigint>): bigint {
  if (tensor.kind !== 'tensor') throw new RangeError(`${tensor.name} has no cells`);
  return tensor.parts.reduce((s, p) => s + p.coef * (cells.get(p.cells.name) as bigint), tensor.offset);
}

function residue(relation: Relation, cells: ReadonlyMap<string, bigint>): bigint {
  return mod(relation.terms.reduce((s, t) => s + t.factors.reduce((x, f) => x * valueOf(f, cells), t.coef), 0n));
}

/** Every value of a range. */
function all({ bits, signed: below }: RangeSpec): bigint[] {
  const low = below ? -(1n << BigInt(bits - 1)) : 0n;
  return Array.from({ length: 2 ** bits }, (_, i) => low + BigInt(i));
}

const floor = (a: bigint, d: bigint): bigint => (a >= 0n ? a / d : -((-a + d - 1n) / d));

describe('rounded contractions', () => {
  const cases = [
    { name: 'half up by 4', divisor: 4n, bias: 2n, sign: 1n },
    { name: 'floor by 4', divisor: 4n, bias: 0n, sign: 1n },
    { name: 'half up by 6', divisor: 6n, bias: 3n, sign: 1n },
    { name: 'subtracted, by 4', divisor: 4n, bias: 2n, sign: -1n },
    { name: 'subtracted, by 5', divisor: 5n, bias: 2n, sign: -1n },
    { name: 'exact', divisor: 1n, bias: 0n, sign: 1n },
  ] as const;

  it.each(cases)('$name', ({ divisor, bias, sign }) => {
    const s = new Scalar();
    const [x, y] = [s.input(signed(4)), s.input(signed(3))];
    const out = s.tensor('out', signed(6));
    const spec = {
      scope: 'begin',
      domain: ONE,
      terms: [term(1n, use(x))],
      plus: [term(1n, use(y))],
      divisor,
      bias,
      sign,
      out,
    } as const;
    s.b.contract('op', spec);
    for (const a of all(signed(4)))
      for (const plus of [-4n, 0n, 3n])
        expect(s.solutions([a, plus], out)).toEqual([plus + sign * floor(a + bias, divisor)]);
  });
});

describe('square roots', () => {
  it('are the floor, and nothing else', () => {
    const s = new Scalar();
    const m = s.input(unsigned(6));
    const [root, slack, coslack] = [
      s.tensor('root', unsigned(3)),
      s.tensor('slack', unsigned(4)),
      s.tensor('coslack', unsigned(4)),
    ];
    s.b.sqrt('op', { scope: 'begin', domain: ONE, terms: [term(1n, use(m))], root, slack, coslack });
    for (const a of all(unsigned(6)))
      expect(s.solutions([a], root)).toEqual([BigInt(Math.floor(Math.sqrt(Number(a))))]);
  });
});

describe('quotients', () => {
  it('are the floor, and nothing else, for every positive divisor', () => {
    const s = new Scalar();
    const [n, d] = [s.input(signed(5)), s.input(unsigned(3))];
    const [quotient, remainder, complement] = [
      s.tensor('q', signed(5)),
      s.tensor('rem', unsigned(3)),
      s.tensor('corem', unsigned(3)),
    ];
    const spec = { numerator: [term(1n, use(n))], denominator: [term(1n, use(d))], quotient, remainder, complement };
    s.b.divide('op', { scope: 'begin', domain: ONE, ...spec });
    for (const a of all(signed(5))) {
      for (const by of [1n, 2n, 3n, 7n]) expect(s.solutions([a, by], quotient)).toEqual([floor(a, by)]);
      expect(s.solutions([a, 0n], quotient)).toEqual([]);
    }
  });
});

describe('softmax', () => {
  it.each(['attention', 'vocabulary'])('%s: one μ of all has both slacks in range', async (name) => {
    const { circuit, cells, toy } = await micro();
    const { lowest, values } = expTable(12);
    const table = (u: number): number => (u < lowest ? 0 : values[u - lowest]);
    const bitsOf = (cell: string): number => circuit.program.cells.find((c) => c.name === cell)?.bits ?? 0;
    const rows = scoresOf(name, cells, toy.config.model.vocabSize);
    const [under, over] = [2 ** bitsOf(`${name}.under`), 2 ** bitsOf(`${name}.over`)];
    expect(rows.length).toBeGreaterThan(1);
    for (const { scores, mu } of rows) {
      const fits: number[] = [];
      for (let m = -(2 ** 13); m < 2 ** 13; m++) {
        const u = scores.map((s) => s - m);
        if (u.some((x) => x > 0 || x <= -(2 ** toy.config.widths.spread))) continue;
        const low = 4096 - u.reduce((s, x) => s + table(x), 0);
        const high = u.reduce((s, x) => s + table(x + 1), 0) - 4097;
        if (low >= 0 && low < under && high >= 0 && high < over) fits.push(m);
      }
      expect(fits).toEqual([mu]);
    }
  });

  it('has a table that never falls, so that its sum passes 2^P once', () => {
    for (const bits of [10, 12, 16, 24]) {
      const { values } = expTable(bits);
      expect(values.every((v, i) => i === 0 || v >= values[i - 1])).toBe(true);
      // T(0) = 2^P < T(1): below the largest score no μ passes.
      expect([values.at(-2), (values.at(-1) ?? 0) > 2 ** bits]).toEqual([2 ** bits, true]);
    }
  });
});

/** Rows of scores and their μ, from the cells of a micro run. */
function scoresOf(
  name: string,
  cells: ReadonlyMap<string, Uint32Array>,
  vocab: number,
): { scores: number[]; mu: number }[] {
  const limbs = (cell: string): number[] => {
    const [low, high] = [cells.get(`${cell}.0`), cells.get(`${cell}.1`)] as [Uint32Array, Uint32Array];
    return Array.from(low, (v, i) => v + 256 * high[i] - 2 ** 13);
  };
  if (name === 'attention') {
    const score = limbs('score');
    // Two tokens: the first sees itself alone.
    return limbs('attention.mu').map((mu, i) => ({ scores: score.slice(2 * i, 2 * i + 1 + (i % 2)), mu }));
  }
  const shifted = Array.from(cells.get('logit.shifted') as Uint32Array, (v) => v + 1 - 2 ** 12);
  return limbs('logit.mu').map((mu, i) => ({
    scores: shifted.slice(vocab * i, vocab * (i + 1)).map((u) => u + mu),
    mu,
  }));
}
