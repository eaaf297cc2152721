/**
 * What a proof's plan shows is what the program says, for any cells at all: at a random point, with random integers in
 * every cell of every oracle, the verifier's functionals and products of each relation give the relation's exact sums, and
 * its form of the lookups' leaves gives the declared fingerprints, each cell once.
 */
import { describe, expect, it } from 'vitest';
import { leafClaims, drawLookup } from '../../protocol/arguments/lookup.ts';
import { Planner, onTensor, relationAxes } from '../../protocol/arguments/plan.ts';
import { claimedFactors, finalWeights } from '../../protocol/arguments/relations.ts';
import { PLAIN } from '../../protocol/context.ts';
import { ONE, ZERO, add, lift, mul, scale, sub, type Ext } from '../../protocol/extension.ts';
import type { Instance } from '../../protocol/instance.ts';
import { eqTable } from '../../protocol/multilinear.ts';
import { compile, type Circuit } from '../../protocol/program/circuit.ts';
import { shapeOf } from '../../protocol/program/layout.ts';
import { writePlacement } from '../../protocol/program/pack.ts';
import { UniformStream } from '../../protocol/program/stream.ts';
import { log2Ceil, sizeOf, type Tensor } from '../../protocol/program/tensors.ts';
import { AddressPoint, loTable, type CellWeights } from '../../protocol/program/weights.ts';
import { Transcript } from '../../protocol/transcript.ts';
import type { CellMap } from '../../prover/train/engine.ts';
import { ProgramCheck } from '../support/check-program.ts';
import { MICRO, MICRO_DEEP, TEST_PARAMETERS } from '../support/micro.ts';
import { PlanValues } from '../support/plan-value.ts';
import { TARGETS } from '../../protocol/program/adapter.ts';
import { toy, type ToyOptions } from '../support/toy.ts';

const SMALL = { gate: 6, spread: 6, widest: 6, activation: 9, residual: 9, score: 8, gradient: 9 };
const RUNS: Record<string, Partial<ToyOptions>> = {
  'AdamW with decay': { ...MICRO, widths: SMALL },
  'SGD, attention': { ...MICRO_DEEP, widths: SMALL },
  'AdamW with decay, four steps, odd sizes, all targets': {
    ...MICRO,
    widths: SMALL,
    optimizer: 'adamw-decay',
    steps: 4,
    layers: 3,
    hidden: 3,
    feed: 6,
    kvHeads: 1,
    group: 3,
    vocab: 5,
    rank: 1,
    targets: TARGETS,
    dataRows: 3,
    masked: true,
  },
};

function randomCells(circuit: Circuit, seed: number): Map<string, Uint32Array> {
  const stream = new UniformStream(new Uint8Array(32).fill(seed), 'cells');
  const out = new Map<string, Uint32Array>();
  for (const stack of Object.values(circuit.stacks))
    for (const { cells } of stack.placements.values())
      out.set(cells.name, Uint32Array.from({ length: sizeOf(cells.axes) }, () => stream.word()));
  return out;
}

function drawer(label: string): () => Ext {
  const t = new Transcript();
  t.absorb(label, Uint8Array.of(1));
  return () => t.challenge(label);
}

/** Value of a functional on natural cells. */
function functional(w: CellWeights, cells: CellMap): Ext {
  const natural = cells.get(w.placement.cells.name) as Uint32Array;
  const stacked = new Uint32Array(natural.length);
  writePlacement(stacked, { ...w.placement, base: 0 }, natural);
  const lo = w.placement.lo.reduce<Ext[]>(
    (out, digit, k) => out.flatMap((x) => loTable(digit, w.lo[k]).map((v) => mul(x, v))),
    [ONE],
  );
  let sum = ZERO;
  (w.index ?? w.hi.map((_, b) => b)).forEach((b, i) =>
    lo.forEach((x, l) => (sum = add(sum, scale(mul(w.hi[i], x), BigInt(stacked[b * lo.length + l]))))),
  );
  return mul(sum, w.coef);
}

describe.each(Object.entries(RUNS))('%s', (_, options) => {
  const t = toy(options);
  const circuit = compile(t.program);
  const cells = randomCells(circuit, 7);
  const losses = t.rows.map((_r, i) => 1000 + 7 * i);
  const instance: Instance = {
    header: new Uint8Array(1),
    params: TEST_PARAMETERS,
    circuit,
    rows: t.rows,
    losses,
    startSeed: null,
  };

  it('sums up to the exact relations at a random point', () => {
    const plans = new PlanValues(instance, cells, 5);
    const exact = new ProgramCheck(t.program, cells, t.rows);
    // As PlanValues draws them.
    const transcript = new Transcript();
    transcript.absorb('plan-value', Uint8Array.of(5));
    const draw = (): Ext => transcript.challenge('plan-value');
    const point = new Map(relationAxes(circuit).map((a) => [a.name, Array.from({ length: log2Ceil(a.size) }, draw)]));
    const rho = draw();
    const tables = new Map([...point].map(([name, p]) => [name, eqTable(p)]));
    const different: string[] = [];
    const check = (name: string, domain: Tensor['axes'], at: (index: ReadonlyMap<string, number>) => bigint): void => {
      let sum = ZERO;
      const walk = (depth: number, index: Map<string, number>, weight: Ext): void => {
        const a = domain[depth];
        if (a === undefined) {
          sum = add(sum, mul(weight, lift(at(index))));
          return;
        }
        for (let i = 0; i < a.size; i++)
          walk(depth + 1, new Map([...index, [a.name, i]]), mul(weight, (tables.get(a.name) as Ext[])[i]));
      };
      walk(0, new Map(), rho);
      const found = plans.value(name);
      if (found[0] !== sum[0] || found[1] !== sum[1]) different.push(name);
    };
    for (const r of t.program.relations) check(r.name, r.domain, (i) => exact.sum(r.terms, r.domain, i));
    const { seqLen } = t.config;
    const cell = (name: string, i: number): bigint => BigInt((cells.get(name) as Uint32Array)[i]);
    for (const tie of t.program.ties)
      check(tie.name, tie.domain, (i) => {
        const [step, row, token] = ['step', 'row', 'token'].map((n) => i.get(n) as number);
        const sample = t.rows[step][row];
        const at = sample * seqLen + token;
        const entry =
          tie.entry === 'mask'
            ? cell('data.mask', at)
            : tie.entry === 'label'
              ? cell('data.labels', at)
              : token === 0
                ? cell('data.first', sample)
                : cell('data.labels', at - 1);
        return exact.sum(tie.terms, tie.domain, i) - entry;
      });
    const { loss } = t.program;
    check('loss', loss.domain, (i) => exact.sum(loss.terms, loss.domain, i) + BigInt(losses[i.get('step') as number]));
    expect(different).toEqual([]);
  }, 600_000);

  it('looks up every cell of a range once, and the declared columns', () => {
    const draw = drawer('leaves');
    const c = drawLookup({ challenge: draw });
    const z = Array.from({ length: circuit.leafBits }, draw);
    const eq = eqTable(z);
    let p = ZERO;
    let q = ONE;
    const used = new Set<number>();
    const ranged = new Set<string>();
    /** Adds leaves whose natural values are given. */
    const put = (
      start: number,
      axes: Tensor['axes'],
      leaf: (index: readonly number[], at: number) => { p: Ext; q: Ext },
    ): void => {
      const size = sizeOf(axes);
      const place = new Uint32Array(size);
      const shape = shapeOf(axes);
      const natural = Uint32Array.from({ length: size }, (_n, i) => i);
      writePlacement(place, { ...shape, base: 0, cells: { name: '', oracle: 'witness', axes, bits: null } }, natural);
      place.forEach((at, offset) => {
        const index: number[] = [];
        let rest = at;
        for (const a of [...axes].reverse()) {
          index.unshift(rest % a.size);
          rest = Math.floor(rest / a.size);
        }
        const l = leaf(index, at);
        expect(used.has(start + offset)).toBe(false);
        used.add(start + offset);
        p = add(p, mul(eq[start + offset], l.p));
        q = add(q, mul(eq[start + offset], sub(l.q, ONE)));
      });
    };
    const print = (c0: bigint, c1: bigint, c2: bigint, tag: bigint): Ext =>
      sub(
        c.alpha,
        add(add(lift(c0), mul(c.beta[1], lift(c1))), add(mul(c.beta[2], lift(c2)), mul(c.beta[3], lift(tag)))),
      );
    const exact = new ProgramCheck(t.program, cells, t.rows);
    const value = (tensor: Tensor, point: ReadonlyMap<string, number>): bigint =>
      exact.sum(
        [{ coef: 1n, factors: [{ tensor, uses: tensor.axes.map((a) => ({ axis: a.name, offset: 0 })) }] }],
        tensor.axes,
        point,
      );
    for (const leaf of circuit.leaves) {
      if (leaf.kind === 'range') {
        const { cells: own } = leaf.placement;
        expect(own.bits).toBe(leaf.bits);
        expect(ranged.has(own.name)).toBe(false);
        ranged.add(own.name);
        const values = cells.get(own.name) as Uint32Array;
        put(leaf.start, own.axes, (_i, at) => ({ p: ONE, q: print(BigInt(values[at]), 0n, 0n, BigInt(leaf.bits)) }));
      } else if (leaf.kind === 'rangeTable' || leaf.kind === 'table') {
        const values = cells.get(leaf.placement.cells.name) as Uint32Array;
        const table = leaf.kind === 'table' ? leaf.table : null;
        put(leaf.start, leaf.placement.cells.axes, (_i, at) => {
          const entry = (k: 0 | 1): bigint => BigInt(table?.columns[k][at - table.start] ?? 0);
          const tag = table?.tag ?? BigInt(log2Ceil(values.length));
          return { p: lift(-BigInt(values[at])), q: print(BigInt(at), entry(0), entry(1), tag) };
        });
      } else {
        const { key, keyMinus, outputs, causal } = leaf.lookup;
        put(leaf.start, key.axes, (index) => {
          const point = new Map(key.axes.map((a, i) => [a.name, index[i]]));
          const [row, column] = index.slice(-2);
          const minus = keyMinus === null ? 0n : value(keyMinus, point);
          const c0 = value(key, point) - minus - leaf.table.min;
          return {
            p: causal && column > row ? ZERO : ONE,
            q: print(c0, value(outputs[0], point), value(outputs[1], point), leaf.table.tag),
          };
        });
      }
    }
    const names = t.program.cells.filter((x) => x.bits !== null).map((x) => x.name);
    expect([...ranged].sort()).toEqual([...names].sort());
    const claims = leafClaims(PLAIN, circuit, c, z, p, q);
    for (const { functionals, value: expected } of claims)
      expect(functionals.reduce((s, w) => add(s, functional(w, cells)), ZERO)).toEqual(expected);
  }, 600_000);

  it("evaluates every functional's weights as their multilinear extension over the oracle's addresses", () => {
    const draw = drawer('functionals');
    const point = new Map(relationAxes(circuit).map((a) => [a.name, Array.from({ length: log2Ceil(a.size) }, draw)]));
    const plan = new Planner(circuit, { rows: t.rows, losses, point, rho: draw() }).run();
    const r = Array.from({ length: plan.bits }, draw);
    const c = drawLookup({ challenge: draw });
    const z = Array.from({ length: circuit.leafBits }, draw);
    const all = [...plan.linear, ...leafClaims(PLAIN, circuit, c, z, ZERO, ZERO).flatMap((x) => x.functionals)];
    for (const factor of claimedFactors(plan).values()) {
      const { tensor } = factor.operand;
      if (tensor.kind === 'tensor') all.push(...onTensor(circuit, tensor, ONE, finalWeights(factor, r)).functionals);
    }
    const places = new Map(
      Object.entries(circuit.stacks).map(([name, { bits }]) => {
        const address = Array.from({ length: bits }, draw);
        return [name, { at: new AddressPoint(address), eq: eqTable(address) }];
      }),
    );
    for (const w of all) {
      const { at, eq } = places.get(w.placement.cells.oracle) as { at: AddressPoint; eq: Ext[] };
      const lo = w.placement.lo.reduce<Ext[]>(
        (out, digit, k) => out.flatMap((x) => loTable(digit, w.lo[k]).map((v) => mul(x, v))),
        [ONE],
      );
      let sum = ZERO;
      (w.index ?? w.hi.map((_h, b) => b)).forEach((b, i) =>
        lo.forEach((x, l) => {
          sum = add(sum, mul(mul(w.hi[i], x), eq[w.placement.base + b * lo.length + l]));
        }),
      );
      expect(at.evaluate(w)).toEqual(mul(sum, w.coef));
    }
  }, 600_000);
});
