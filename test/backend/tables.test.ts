import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { BindSpec, Cells, ExtVec, Fractions, LeafRegion, TableOps } from '../../prover/backend/backend.ts';
import { CpuTables } from '../../prover/backend/cpu-tables.ts';
import { openDevice, type GpuDevice } from '../../prover/backend/device.ts';
import { GpuQueue } from '../../prover/backend/gpu-queue.ts';
import { GpuTables } from '../../prover/backend/gpu-tables.ts';
import { GpuVectors } from '../../prover/backend/gpu-vectors.ts';
import { VectorError } from '../../prover/backend/vector-error.ts';
import * as F from '../../protocol/extension.ts';
import type { Ext } from '../../protocol/extension.ts';
import { Samples } from './table-samples.ts';

const LENGTHS = [1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 67, 128, 129, 257];
/** Enough for several workgroups. */
const LONG = 2 ** 11 + 1;

const cpu = new CpuTables();
let gpu: GpuDevice;
const opened: Record<string, TableOps> = {};

beforeAll(async () => {
  gpu = await openDevice();
  const queue = new GpuQueue(gpu);
  opened['GPU'] = new GpuTables(new GpuVectors(queue));
  // 16 F_p² elements and 64 cells a chunk: nearly every vector here has more than one.
  // Threads do all turns of a long vector: unreduced sums are reduced several times.
  opened['GPU in one workgroup'] = new GpuTables(new GpuVectors(new GpuQueue(gpu, 1)));
  opened['GPU in chunks of 16'] = new GpuTables(new GpuVectors(queue, 4));
});
afterAll(() => gpu.close());

type Run = (ops: TableOps) => Promise<unknown>;

const down = async (ops: TableOps, v: ExtVec): Promise<Ext[]> => ops.downloadExt(v);
const downFractions = async (ops: TableOps, f: Fractions): Promise<unknown> => [
  f.length,
  await down(ops, f.p),
  await down(ops, f.q),
];
const layer = (ops: TableOps, length: number, seed = 3): Fractions => {
  const samples = new Samples(seed);
  return { p: ops.uploadExt(samples.exts(length)), q: ops.uploadExt(samples.exts(length)), length };
};

describe.each(['GPU', 'GPU in chunks of 16'])('%s gives what the CPU reference gives', (name) => {
  const agree = async (run: Run): Promise<void> => {
    expect(await run(opened[name])).toEqual(await run(cpu));
  };

  test.each([0, 1, 2, 5, 8])('eqTable of %i variables', async (variables) => {
    const samples = new Samples(variables);
    const [point, scale] = [samples.exts(variables), samples.ext()];
    await agree((ops) => down(ops, ops.eqTable(point, scale)));
  });

  test.each([...LENGTHS, LONG])('upload, sumPairs and fold at length %i', async (length) => {
    const samples = new Samples(length);
    const [values, other, r] = [samples.exts(length), samples.exts(length), samples.ext()];
    await agree((ops) => down(ops, ops.uploadExt(values)));
    await agree((ops) => down(ops, ops.sumPairs(ops.uploadExt(values))));
    await agree(async (ops) => {
      const folded = ops.fold([ops.uploadExt(values), ops.uploadExt(other)], r);
      return Promise.all(folded.map((v) => down(ops, v)));
    });
  });

  test.each([...LENGTHS, LONG])('productRound of 1 to 5 factors at length %i', async (length) => {
    const samples = new Samples(length);
    const values = Array.from({ length: 5 }, () => samples.exts(length));
    await agree((ops) => {
      const v = values.map((list) => ops.uploadExt(list));
      return ops.productRound([[v[0]], [v[0], v[1]], [v[2], v[2], v[1]], [v[3], v[4], v[0], v[1]], v]);
    });
  });

  test('productRound of terms of different lengths', async () => {
    const samples = new Samples(1);
    const [a, b, c] = [samples.exts(70), samples.exts(9), samples.exts(LONG)];
    await agree((ops) => {
      const [x, y, z] = [a, b, c].map((list) => ops.uploadExt(list));
      return ops.productRound([[x, x], [y], [z, z, z]]);
    });
  });

  test.each([...LENGTHS, LONG])('layers of length %i', async (length) => {
    const samples = new Samples(length);
    const [lambda, r] = [samples.ext(), samples.ext()];
    await agree((ops) => downFractions(ops, ops.layerUp(layer(ops, length))));
    await agree((ops) => downFractions(ops, ops.foldFractions(layer(ops, length), r)));
    // eq tables of the layer's size, and larger ones: all beyond the layer counts with λ alone.
    for (const more of [0, 1, 3]) {
      const point = samples.exts(Math.min(8, more + Math.ceil(Math.log2(Math.ceil(length / 4)))));
      if (2 ** (point.length + 2) < length) continue;
      await agree((ops) => ops.fractionRound(layer(ops, length), ops.eqTable(point, r), lambda));
    }
  });

  test.each([
    [0, 1],
    [0, 300],
    [7, 200],
    [63, 130],
  ])('cellsToExt from %i, %i cells', async (start, length) => {
    const data = new Samples(5).cells(337);
    await agree((ops) => down(ops, ops.cellsToExt(ops.uploadCells(data), start, length)));
  });

  test.each([
    [0, 1, 1],
    [3, 7, 5],
    [14, 12, 13],
    [1, 2, 70],
  ])('addOuter and addScaled from %i', async (base, rows, columns) => {
    const samples = new Samples(base);
    const [values, hi, lo, coef] = [samples.exts(200), samples.exts(rows), samples.exts(columns), samples.ext()];
    await agree(async (ops) => {
      const target = ops.uploadExt(values);
      ops.addOuter(target, base, hi, lo);
      ops.addScaled(target, base + 5, ops.uploadExt(lo), coef);
      ops.addOuter(target, 199, [coef], [coef]);
      return [await down(ops, target), await down(ops, ops.zeros(35))];
    });
  });

  test.each(bindCases())('bind: %s', async (_, cellCount, make) => {
    const data = new Samples(11).cells(cellCount);
    await agree((ops) => {
      const cells = ops.uploadCells(data);
      return down(ops, ops.bind(make(cells, new Samples(12))));
    });
  });

  test('leaves of every kind of column and numerator', async () => {
    const data = new Samples(21).cells(256);
    await agree((ops) => downFractions(ops, ops.leaves(300, regions(ops.uploadCells(data)))));
    await agree((ops) => downFractions(ops, ops.leaves(40, [])));
  });

  test('many recorded kernels: uniforms and buffers are not reused too early', async () => {
    const samples = new Samples(31);
    const [lists, rs] = [Array.from({ length: 150 }, () => samples.exts(40)), samples.exts(150)];
    await agree(async (ops) => {
      const target = ops.zeros(40);
      lists.forEach((list, k) => {
        const [half] = ops.fold([ops.uploadExt(list)], rs[k]);
        ops.addScaled(target, k % 20, half, rs[k]);
        ops.addOuter(target, 0, list.slice(0, 2), list.slice(20));
        ops.free(half);
      });
      return down(ops, target);
    });
  });
});

function bindCases(): [string, number, (cells: Cells, samples: Samples) => BindSpec][] {
  const part = (cells: Cells | null, s: Samples, base: number, kept: number[], bound: number[]) => ({
    cells,
    coef: s.ext(),
    base,
    keptStrides: kept,
    boundStrides: bound,
  });
  return [
    ['one cell', 1, (cells, s) => ({ kept: [], bound: [], weights: [s.ext()], parts: [part(cells, s, 0, [], [])] })],
    ['no part', 1, (_, s) => ({ kept: [{ size: 20, bits: 5 }], bound: [], weights: [s.ext()], parts: [] })],
    [
      'nothing bound, a constant beside cells, a reversed part',
      200,
      (cells, s) => ({
        kept: [
          { size: 5, bits: 3 },
          { size: 6, bits: 3 },
        ],
        bound: [],
        weights: [s.ext()],
        parts: [part(cells, s, 3, [1, 7], []), part(null, s, 0, [0, 0], []), part(cells, s, 199, [-2, -30], [])],
      }),
    ],
    [
      'few outputs, a long sum over two digits',
      256,
      (cells, s) => ({
        kept: [{ size: 3, bits: 2 }],
        bound: [
          { size: 19, bits: 5 },
          { size: 3, bits: 2 },
        ],
        weights: s.exts(128),
        parts: [part(cells, s, 1, [60], [1, 20]), part(null, s, 0, [0], [0, 0]), part(cells, s, 0, [1], [2, 3])],
      }),
    ],
    [
      'digits that continue one another, and one that does not for every part',
      256,
      (cells, s) => ({
        kept: [
          { size: 4, bits: 2 },
          { size: 3, bits: 2 },
        ],
        bound: [
          { size: 8, bits: 3 },
          { size: 4, bits: 2 },
          { size: 3, bits: 2 },
        ],
        weights: s.exts(128),
        parts: [part(cells, s, 0, [1, 4], [2, 16, 64]), part(cells, s, 9, [2, 8], [1, 8, 30])],
      }),
    ],
    [
      'a short lowest digit, shared out over the others',
      256,
      (cells, s) => ({
        kept: [{ size: 2, bits: 1 }],
        bound: [
          { size: 3, bits: 2 },
          { size: 30, bits: 5 },
        ],
        weights: s.exts(128),
        parts: [part(cells, s, 0, [90], [1, 3])],
      }),
    ],
    [
      'a sum of more terms than are added before a reduction',
      256,
      (cells, s) => ({
        kept: [],
        bound: [
          { size: 200, bits: 8 },
          { size: 500, bits: 9 },
        ],
        weights: Array.from({ length: 2 ** 17 }, (_, i): Ext => (i % 3 === 0 ? s.ext() : [0xffffffff00000000n, 1n])),
        parts: [part(cells, s, 0, [], [1, 0])],
      }),
    ],
    [
      'many outputs, a short sum',
      250,
      (cells, s) => ({
        kept: [
          { size: 50, bits: 6 },
          { size: 90, bits: 7 },
        ],
        bound: [{ size: 3, bits: 2 }],
        weights: s.exts(4),
        parts: [part(cells, s, 0, [1, 2], [5])],
      }),
    ],
  ];
}

function regions(cells: Cells): LeafRegion[] {
  const s = new Samples(41);
  return [
    {
      start: 150,
      length: 64,
      constant: s.ext(),
      columns: [{ cells: null, base: 0, shift: 0, coef: s.ext() }],
      numerator: { causal: 3 },
    },
    {
      start: 5,
      length: 130,
      constant: s.ext(),
      columns: [
        { cells, base: 17, shift: 0, coef: s.ext() },
        { cells, base: 3, shift: 2, coef: s.ext() },
        { cells: null, base: 0, shift: 0, coef: s.ext() },
      ],
      numerator: 'one',
    },
    {
      start: 214,
      length: 70,
      constant: s.ext(),
      columns: [{ cells, base: 100, shift: 1, coef: s.ext() }],
      numerator: { cells, base: 120 },
    },
  ];
}

test('a layer over several workgroups, with an eq table made of two', async () => {
  const samples = new Samples(71);
  const [point, scale, lambda] = [samples.exts(11), samples.ext(), samples.ext()];
  const run = (ops: TableOps): Promise<[Ext, Ext]> =>
    ops.fractionRound(layer(ops, 4 * LONG - 5000), ops.eqTable(point, scale), lambda);
  expect(await run(opened['GPU'])).toEqual(await run(cpu));
});

test('one workgroup with more pairs a thread than are added before a reduction', async () => {
  const pairs = 64 * 128 + 70;
  const samples = new Samples(81);
  const [values, point, r, lambda] = [samples.exts(pairs), samples.exts(14), samples.ext(), samples.ext()];
  const run = async (ops: TableOps): Promise<unknown> => {
    const v = ops.uploadExt([...values, ...values.toReversed()]);
    const products = await ops.productRound([[v], [v, v], [v, v, v]]);
    const p = ops.uploadExt([...values, ...values, ...values, ...values]);
    const q = ops.uploadExt([...values.map(F.neg), ...values, ...values.toReversed(), ...values]);
    return [products, await ops.fractionRound({ p, q, length: 4 * pairs }, ops.eqTable(point, r), lambda)];
  };
  expect(await run(opened['GPU in one workgroup'])).toEqual(await run(cpu));
});

describe.each(['CPU', 'GPU', 'GPU in chunks of 16'])('%s', (name) => {
  const ops = (): TableOps => (name === 'CPU' ? cpu : opened[name]);

  test('runs a product sumcheck down to one value', async () => {
    const samples = new Samples(51);
    const lists = Array.from({ length: 4 }, () => samples.exts(45));
    let claim = Array.from({ length: 45 }, (_, i) => lists.map((l) => l[i]).reduce(F.mul)).reduce(F.add);
    let vectors = lists.map((list) => ops().uploadExt(list));
    for (let round = 0; round < 6; round++) {
      const [values] = await ops().productRound([vectors]);
      expect(F.add(values[0], values[1])).toEqual(claim);
      const r = samples.ext();
      claim = evaluate(values, r);
      vectors = ops().fold(vectors, r);
    }
    const last = await Promise.all(vectors.map((v) => ops().downloadExt(v)));
    expect(last.map((v) => v[0]).reduce(F.mul)).toEqual(claim);
  });

  test('adds fractions up to their sum, and its layer sumcheck holds', async () => {
    const samples = new Samples(61);
    let top = layer(ops(), 37, 62);
    const [p, q] = await Promise.all([ops().downloadExt(top.p), ops().downloadExt(top.q)]);
    const terms = p.map((x, i) => q.map((y, j) => (i === j ? x : y)).reduce(F.mul));
    while (top.length > 1) top = ops().layerUp(top);
    expect(await ops().downloadExt(top.p)).toEqual([terms.reduce(F.add)]);
    expect(await ops().downloadExt(top.q)).toEqual([q.reduce(F.mul)]);

    // Layer above the leaves: Σ_x eq(point, x)·(p0·q1 + p1·q0 + λ·q0·q1)(x) over 5 variables.
    const [point, lambda] = [samples.exts(5), samples.ext()];
    const up = await downPadded(ops(), ops().layerUp(layer(ops(), 37, 62)), 32);
    const weights = await ops().downloadExt(ops().eqTable(point, F.ONE));
    let claim = weights.map((w, x) => F.mul(w, F.add(up.p[x], F.mul(lambda, up.q[x])))).reduce(F.add);
    let state = layer(ops(), 37, 62);
    let scale = F.ONE;
    for (const [round, variable] of point.entries()) {
      const [zero, quadratic] = await ops().fractionRound(state, ops().eqTable(point.slice(round + 1), scale), lambda);
      // The claim is (1 − variable)·h(0) + variable·h(1).
      const one = F.mul(F.sub(claim, F.mul(F.sub(F.ONE, variable), zero)), F.inverse(variable));
      const r = samples.ext();
      const linear = F.sub(F.sub(one, zero), quadratic);
      const factor = F.add(F.mul(variable, r), F.mul(F.sub(F.ONE, variable), F.sub(F.ONE, r)));
      claim = F.mul(factor, F.add(zero, F.mul(r, F.add(linear, F.mul(r, quadratic)))));
      // eq of this variable goes into the scale of the next rounds.
      scale = F.mul(scale, factor);
      state = ops().foldFractions(state, r);
    }
    const [[p0, p1], [q0, q1]] = await Promise.all([ops().downloadExt(state.p), ops().downloadExt(state.q)]);
    const value = F.add(F.add(F.mul(p0, q1), F.mul(p1, q0)), F.mul(lambda, F.mul(q0, q1)));
    expect(F.mul(scale, value)).toEqual(claim);
  });

  test('refuses misuse', async () => {
    const v = ops().uploadExt([F.ONE, F.ONE]);
    const cells = ops().uploadCells(Uint32Array.of(1, 2, 3));
    expect(() => ops().cellsToExt(cells, 2, 2)).toThrow(VectorError);
    expect(() => ops().addOuter(v, 1, [F.ONE], [F.ONE, F.ONE])).toThrow(VectorError);
    expect(() => ops().addScaled(v, 1, v, F.ONE)).toThrow(VectorError);
    await expect(async () => ops().productRound([[v, ops().uploadExt([F.ONE])]])).rejects.toThrow(VectorError);
    const digits = { kept: [{ size: 4, bits: 2 }], bound: [], weights: [F.ONE] };
    const part = { cells, coef: F.ONE, base: 0, keptStrides: [1], boundStrides: [] };
    expect(() => ops().bind({ ...digits, parts: [part] })).toThrow(VectorError);
    const region: LeafRegion = { start: 0, length: 3, constant: F.ONE, columns: [], numerator: 'one' };
    expect(() => ops().leaves(4, [region, { ...region, start: 2, length: 1 }])).toThrow(VectorError);
    expect(() => ops().leaves(4, [{ ...region, numerator: { cells, base: 1 } }])).toThrow(VectorError);
    ops().fold([v], F.ONE);
    expect(() => ops().sumPairs(v)).toThrow(VectorError);
  });
});

async function downPadded(ops: TableOps, f: Fractions, length: number): Promise<{ p: Ext[]; q: Ext[] }> {
  const pad = (values: Ext[], value: Ext): Ext[] => [...values, ...Array<Ext>(length - values.length).fill(value)];
  return { p: pad(await ops.downloadExt(f.p), F.ZERO), q: pad(await ops.downloadExt(f.q), F.ONE) };
}

/** Value at r of the polynomial with values at 0, 1, …, by Lagrange's formula. */
function evaluate(values: readonly Ext[], r: Ext): Ext {
  return values
    .map((value, i) => {
      const others = values.map((_, j) => j).filter((j) => j !== i);
      const top = others.map((j) => F.sub(r, F.lift(BigInt(j)))).reduce(F.mul, F.ONE);
      const bottom = others.map((j) => F.lift(BigInt(i - j))).reduce(F.mul, F.ONE);
      return F.mul(value, F.mul(top, F.inverse(bottom)));
    })
    .reduce(F.add);
}
