/** Contractions at the ends of their ranges, against big integers: every kernel, sign, divisor and order of axes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  ProgramBuilder,
  scaled,
  signed,
  term,
  unsigned,
  use,
  type ContractSpec,
} from '../../protocol/program/builder.ts';
import type { ContractOp } from '../../protocol/program/relations.ts';
import { axis, sizeOf, type Axis, type Operand, type Tensor } from '../../protocol/program/tensors.ts';
import { openDevice, type GpuDevice } from '../../prover/backend/device.ts';
import { GpuQueue } from '../../prover/backend/gpu-queue.ts';
import { EngineError } from '../../prover/train/errors.ts';
import { contractRunner } from '../../prover/train/gpu-contract.ts';
import { chunkLength } from '../../prover/train/gpu-matrix-pass.ts';
import { NONE, Scratch, words64 } from '../../prover/train/gpu-pass.ts';
import { GpuStore } from '../../prover/train/gpu-store.ts';

let device: GpuDevice;
let queue: GpuQueue;
const used = new Set<string>();
beforeAll(async () => {
  device = await openDevice();
  queue = new GpuQueue(device);
  const dispatch = queue.dispatch.bind(queue);
  queue.dispatch = (name, ...rest) => {
    used.add(name);
    dispatch(name, ...rest);
  };
});
afterAll(() => device.close());

const m = axis('m', 12);
const n = axis('n', 8);
const k = axis('k', 72);
const j = axis('j', 3);
const h = axis('h', 5);

/** Values at both ends of the range, around 0, and between. */
function values(t: Tensor, seed: number): bigint[] {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  const span = t.max - t.min + 1n;
  return Array.from({ length: sizeOf(t.axes) }, (_, i) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    const kind = (state >> 60n) % 4n;
    if (seed === 0) return i % 2 === 0 ? t.max : t.min;
    if (seed === 1) return t.min;
    if (kind === 0n) return t.max;
    if (kind === 1n) return t.min;
    return t.min + (((state >> 3n) * (state & 0xffffn)) % span);
  });
}

/** Index of an operand's entry where the axes have these indices. */
function indexOf(operand: Operand, at: ReadonlyMap<string, number>): number {
  return operand.uses.reduce((index, u, i) => {
    const here = 'fixed' in u ? u.fixed : (at.get(u.axis) as number) + u.offset;
    return index * operand.tensor.axes[i].size + here;
  }, 0);
}

function* indices(axes: readonly Axis[], at: ReadonlyMap<string, number> = new Map()): Generator<Map<string, number>> {
  if (axes.length === 0) yield new Map(at);
  else for (let i = 0; i < axes[0].size; i++) yield* indices(axes.slice(1), new Map(at).set(axes[0].name, i));
}

/** The operation's sums by big integers, in the order of its domain. */
function sums(op: ContractOp, data: ReadonlyMap<string, readonly bigint[]>): bigint[] {
  return [...indices(op.domain)].map((at) => {
    let sum = 0n;
    for (const t of op.terms) {
      const known = new Set(op.domain.map((a) => a.name));
      const summed: Axis[] = [];
      for (const f of t.factors)
        f.uses.forEach((u, i) => {
          if ('fixed' in u || known.has(u.axis)) return;
          known.add(u.axis);
          summed.push({ ...f.tensor.axes[i], name: u.axis });
        });
      for (const all of indices(summed, at))
        sum += t.factors.reduce((p, f) => p * (data.get(f.tensor.name) as bigint[])[indexOf(f, all)], t.coef);
    }
    return sum;
  });
}

const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

/** Builds the operation, runs it, and compares results and remainders; returns the kernels that ran. */
async function check(build: (b: ProgramBuilder) => ContractSpec, seed: number): Promise<string[]> {
  const b = new ProgramBuilder(20);
  b.contract('op', build(b));
  const op = b.finish().operations[0] as ContractOp;
  const store = new GpuStore(queue, true);
  const scratch = new Scratch(store);
  const data = new Map<string, bigint[]>();
  for (const f of [...op.terms, ...op.plus].flatMap((t) => t.factors)) {
    const tensor = f.tensor as Tensor;
    if (data.has(tensor.name)) continue;
    const given = values(tensor, seed);
    data.set(tensor.name, given);
    const slot = store.slot(tensor);
    const words = given.map(words64);
    const planes = slot.wide ? [...words.map((w) => w[0]), ...words.map((w) => w[1])] : words.map((w) => w[0]);
    store.write(slot.buffers[0], 0, Uint32Array.from(planes));
  }
  const runner = contractRunner(scratch, op, null, true);
  scratch.allocate();
  used.clear();
  runner.passes.forEach((pass) => pass.record(0));
  const flags = await queue.read(scratch.flags, 0, 4 * scratch.flagWords);
  expect(flags[runner.checks[0].slot]).toBe(NONE);
  const kernels = [...used];
  const read = async (t: Tensor): Promise<bigint[]> => {
    const slot = store.slot(t);
    const words = await queue.read(slot.buffers[0], 0, 4 * slot.words * (slot.wide ? 2 : 1));
    return Array.from({ length: slot.words }, (_, i) => {
      const high = slot.wide ? words[slot.words + i] : slot.unsigned ? 0 : (words[i] | 0) >> 31;
      return BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(words[i]));
    });
  };
  const plus = sums({ ...op, terms: op.plus }, data);
  const expected = sums(op, data).map((s, i) => {
    const q = floorDivide(s + op.bias, op.divisor);
    return { out: plus[i] + op.sign * q, rem: s + op.bias - op.divisor * q };
  });
  const out = await read(op.out.tensor as Tensor);
  expect([...indices(op.domain)].map((at) => out[indexOf(op.out, at)])).toEqual(expected.map((e) => e.out));
  if (op.remainder !== null) expect(await read(op.remainder)).toEqual(expected.map((e) => e.rem));
  store.close();
  scratch.close();
  return kernels;
}

const SEEDS = [0, 1, 2, 3];

describe('matrix products', () => {
  const product =
    (orders: [Axis[], Axis[], Axis[]], bits: [number, number]) =>
    (b: ProgramBuilder): ContractSpec => {
      const [x, y, z] = orders;
      return {
        scope: 'update',
        domain: z,
        terms: [term(1n, use(b.tensor('x', x, signed(bits[0]))), use(b.tensor('y', y, signed(bits[1]))))],
        divisor: 1n << 22n,
        out: use(b.tensor('out', z, signed(32))),
      };
    };
  test.each(SEEDS)('both factors along k (%i)', async (seed) => {
    expect(
      await check(
        product(
          [
            [m, k],
            [n, k],
            [m, n],
          ],
          [20, 24],
        ),
        seed,
      ),
    ).toEqual(['train/matrix']);
  });
  test.each(SEEDS)('along rows and columns, with a batch and k in two groups (%i)', async (seed) => {
    const orders: [Axis[], Axis[], Axis[]] = [
      [j, h, k, m],
      [h, k, j, n],
      [j, m, n],
    ];
    expect(await check(product(orders, [20, 24]), seed)).toEqual(['train/matrix']);
  });
  test.each(SEEDS)('results along the first factor, odd sizes beside (%i)', async (seed) => {
    const orders: [Axis[], Axis[], Axis[]] = [
      [m, j, k],
      [h, n, k],
      [h, n, j, m],
    ];
    expect(await check(product(orders, [20, 20]), seed)).toEqual(['train/matrix']);
  });
  test.each(SEEDS)('the widest factors that it takes (%i)', async (seed) => {
    // |x|·|y| ≤ 2^48: a chunk has four k, and the float32 sum is nearly off by half of 2^32.
    expect(chunkLength(1n << 48n)).toBe(5);
    const kernels = await check(
      (b) => ({
        ...product(
          [
            [m, k],
            [n, k],
            [m, n],
          ],
          [25, 25],
        )(b),
        divisor: 1n << 26n,
      }),
      seed,
    );
    expect(kernels).toEqual(['train/matrix']);
  });
  test.each(SEEDS)('several terms, a residual and the other sign (%i)', async (seed) => {
    const kernels = await check((b) => {
      const out = b.tensor('out', [m, n], signed(32));
      const two = term(1n, use(b.tensor('u', [m, j, n], signed(20)), {}), use(b.tensor('v', [j], signed(12))));
      const one = product(
        [
          [m, k],
          [n, k],
          [m, n],
        ],
        [20, 24],
      );
      const spec = one(new ProgramBuilder(20));
      return {
        ...spec,
        terms: [...spec.terms, two],
        plus: [term(3n, use(b.tensor('w', [m, n], signed(20))))],
        sign: -1n,
        out: use(out),
      };
    }, seed);
    expect(kernels).toEqual(['train/entries', 'train/matrix']);
  });
});

describe('entries', () => {
  const wide = 1n << 24n;
  test.each(SEEDS)('products of two and three factors, side by side, apart and for all (%i)', async (seed) => {
    const kernels = await check((b) => {
      const [x, y] = [b.tensor('x', [m, n], signed(20)), b.tensor('y', [n, m], signed(20))];
      const terms = [
        term(1n, use(x), use(y), use(b.tensor('z', [m], signed(20)))),
        term(-5n, use(x), use(b.tensor('w', [h], signed(20)), { h: 2 })),
      ];
      return {
        scope: 'update',
        domain: [m, n],
        terms,
        divisor: 1n << 32n,
        out: use(b.tensor('out', [m, n], signed(32))),
      };
    }, seed);
    expect(kernels).toEqual(['train/entries']);
  });
  test.each(SEEDS)('a sum along k (%i)', async (seed) => {
    const kernels = await check((b) => {
      const x = b.tensor('x', [m, k], signed(22));
      const terms = [term(1n, use(x), use(x))];
      return { scope: 'update', domain: [m], terms, divisor: wide, out: use(b.tensor('out', [m], signed(32))) };
    }, seed);
    expect(kernels).toEqual(['train/entries']);
  });
  test.each(SEEDS)('results that lie apart (%i)', async (seed) => {
    await check((b) => {
      const terms = [term(7n, use(b.tensor('x', [m, n], signed(20))))];
      return {
        scope: 'update',
        domain: [m, n],
        terms,
        divisor: 8n,
        bias: 0n,
        out: use(b.tensor('out', [n, m], signed(24))),
      };
    }, seed);
  });
  test.each(SEEDS)('sizes that are no multiple of four (%i)', async (seed) => {
    const kernels = await check((b) => {
      const [x, y] = [b.tensor('x', [j, h], signed(22)), b.tensor('y', [h, j], signed(22))];
      const terms = [term(1n, use(x), use(y)), term(1n, use(x))];
      return { scope: 'update', domain: [j], terms, divisor: wide, out: use(b.tensor('out', [j], signed(32))) };
    }, seed);
    expect(kernels).toEqual(['train/contract']);
  });
});

describe('wide and odd', () => {
  test.each(SEEDS)('a divisor that is no power of two (%i)', async (seed) => {
    await check((b) => {
      const terms = [term(1n, use(b.tensor('x', [m, k], signed(20))), use(b.tensor('y', [m, k], signed(20))))];
      return { scope: 'update', domain: [m], terms, divisor: 576n << 12n, out: use(b.tensor('out', [m], signed(30))) };
    }, seed);
  });
  test.each(SEEDS)('factors and results of up to 60 bits (%i)', async (seed) => {
    const kernels = await check((b) => {
      const v = b.tensor('v', [m], unsigned(60));
      const g = b.tensor('g', [m], signed(26));
      const terms = [term(1024n, use(g), use(g)), term(-1n, use(v))];
      return {
        scope: 'update',
        domain: [m],
        terms,
        divisor: 1n << 20n,
        bias: 0n,
        out: use(b.tensor('out', [m], signed(42))),
      };
    }, seed);
    expect(kernels).toEqual(['train/contract']);
  });
  test.each(SEEDS)('a remainder that fills a word (%i)', async (seed) => {
    await check((b) => {
      const terms = [term(1n, use(b.tensor('x', [m], signed(30))), use(b.tensor('y', [m], signed(30))))];
      return { scope: 'update', domain: [m], terms, divisor: 1n << 32n, out: use(b.tensor('out', [m], signed(29))) };
    }, seed);
  });
});

test('what no kernel computes is refused', () => {
  const b = new ProgramBuilder(20);
  const terms = [scaled(term(1n, use(b.tensor('x', [m], signed(20)))), 'm', [1n])];
  b.contract('op', { scope: 'update', domain: [m], terms, divisor: 1n, out: use(b.tensor('out', [m], signed(20))) });
  const op = b.finish().operations[0] as ContractOp;
  const scratch = new Scratch(new GpuStore(queue, true));
  const runner = contractRunner(scratch, op, null, true);
  scratch.allocate();
  expect(() => runner.passes[0].record(0)).toThrow(EngineError);
});
