/**
 * No cell is left to a prover's choice: every cell but the inputs is written by one operation whose relations the program
 * has, in an order without circles; and what the verifier's plan shows is what the program says, for any integers in the
 * cells, those of an honest run or not.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { drawLookup, leafClaims } from '../../protocol/arguments/lookup.ts';
import { Planner, onTensor, relationAxes } from '../../protocol/arguments/plan.ts';
import { claimedFactors, finalWeights } from '../../protocol/arguments/relations.ts';
import { PLAIN } from '../../protocol/context.ts';
import { ONE, ZERO, add, equals, lift, mul, scale, sub, type Ext } from '../../protocol/extension.ts';
import type { Instance } from '../../protocol/instance.ts';
import { eqTable } from '../../protocol/multilinear.ts';
import { TARGETS } from '../../protocol/program/adapter.ts';
import { compile, type Circuit, type Leaf } from '../../protocol/program/circuit.ts';
import { shapeOf } from '../../protocol/program/layout.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import { writePlacement } from '../../protocol/program/pack.ts';
import type { Operation, Term } from '../../protocol/program/relations.ts';
import { UniformStream } from '../../protocol/program/stream.ts';
import { log2Ceil, sizeOf, type Axis, type Operand, type Tensor } from '../../protocol/program/tensors.ts';
import { AddressPoint, loTable, type CellWeights } from '../../protocol/program/weights.ts';
import { Transcript } from '../../protocol/transcript.ts';
import type { CellMap } from '../../prover/train/engine.ts';
import { ProgramCheck } from '../support/check-program.ts';
import { MICRO, MICRO_DEEP, TEST_PARAMETERS } from '../support/micro.ts';
import { PlanValues } from '../support/plan-value.ts';
import { toy, type Toy, type ToyOptions } from '../support/toy.ts';

type Point = ReadonlyMap<string, number>;

/** Every index of the axes, together with those that are given. */
function* points(axes: readonly Axis[], given: Point = new Map()): Generator<Point> {
  const [first, ...rest] = axes;
  if (first === undefined) yield given;
  else for (let i = 0; i < first.size; i++) yield* points(rest, new Map([...given, [first.name, i]]));
}

const whole = (tensor: Tensor): Operand => ({
  tensor,
  uses: tensor.axes.map((a) => ({ axis: a.name, offset: 0 })),
});

/** Cells that an operand reads at a point, as `name[index]`; the logit stands for itself, since softmax splits it. */
function cellsAt({ tensor, uses }: Operand, point: Point): string[] {
  if (tensor.kind === 'public') return [];
  const index = new Map(
    uses.map((u, i) => [tensor.axes[i].name, 'fixed' in u ? u.fixed : (point.get(u.axis) as number) + u.offset]),
  );
  if (tensor.name === 'logit') return [`logit[${[...index.values()].join()}]`];
  const stored = tensor.kind === 'onehot' ? tensor.bits : tensor;
  const found: string[] = [];
  for (const own of points(tensor.kind === 'onehot' ? stored.axes.slice(-1) : [], index))
    for (const { cells, slice } of stored.parts) {
      const along = slice === undefined ? 0 : (own.get(slice.axis) as number) - slice.start;
      if (slice !== undefined && (along < 0 || along >= slice.count)) continue;
      const at = cells.axes.map((a) => (slice?.axis === a.name ? along : (own.get(a.name) as number)));
      if (cells.axes.some((a, i) => at[i] < 0 || at[i] >= a.size))
        throw new RangeError(`${cells.name} is read at ${at.join()}`);
      found.push(`${cells.name}[${at.join()}]`);
    }
  return found;
}

function cellsOf(terms: readonly Term[], domain: readonly Axis[], point: Point): string[] {
  const known = new Set(domain.map((a) => a.name));
  return terms.flatMap(({ factors }) => {
    const summed = factors.flatMap(({ tensor, uses }) =>
      uses.flatMap((u, i) => ('axis' in u && !known.has(u.axis) ? [{ ...tensor.axes[i], name: u.axis }] : [])),
    );
    const axes = [...new Map(summed.map((a) => [a.name, a])).values()];
    return [...points(axes, point)].flatMap((at) => factors.flatMap((f) => cellsAt(f, at)));
  });
}

/** Relations that pin what an operation writes; a table pins SiLU. */
function relationsOf(op: Operation): string[] {
  if (op.kind === 'silu') return [];
  if (op.kind === 'softmax')
    return ['under', 'over', ...(op.causal ? ['p.causal', 'next.causal'] : [])].map((r) => `${op.name}.${r}`);
  return op.kind === 'contract' && op.complement === null ? [op.name] : [op.name, `${op.name}.bracket`];
}

/** What an operation writes and reads at a point of its domain. */
function effect(op: Operation, point: Point): { writes: string[]; reads: string[] } {
  const of = (...tensors: (Tensor | null)[]): Operand[] => tensors.flatMap((t) => (t === null ? [] : [whole(t)]));
  const at = (list: readonly Operand[], where: Point = point): string[] => list.flatMap((o) => cellsAt(o, where));
  if (op.kind === 'contract') {
    const writes = at([op.out, ...of(op.remainder, op.complement)]);
    return { writes, reads: cellsOf([...op.terms, ...op.plus], op.domain, point) };
  }
  if (op.kind === 'sqrt')
    return { writes: at([op.root, op.slack, op.coslack]), reads: cellsOf(op.terms, op.domain, point) };
  if (op.kind === 'divide') {
    const writes = at([op.quotient, op.remainder, op.complement]);
    return { writes, reads: cellsOf([...op.numerator, ...op.denominator], op.domain, point) };
  }
  if (op.kind === 'silu') return { writes: at(of(op.value, op.slope)), reads: at(of(op.x)) };
  const row = [...points(op.score.axes.slice(-1), point)];
  const seen = row.filter((p) => !op.causal || (p.get('key') as number) <= (p.get('token') as number));
  const entries = row.flatMap((p) => at(of(op.p, op.next, op.shifted), p));
  return { writes: [...at(of(op.mu, op.under, op.over)), ...entries], reads: seen.flatMap((p) => at(of(op.score), p)) };
}

/** Cells that no operation writes: what a segment starts from. */
const INPUT = /^(base\..*|data\..*|mask|(input|label)\.(bits|slack)|.*\.first)$/;

/** How many values lie on a circle of operations, by Kahn's order. */
function circular(writer: ReadonlyMap<string, number>, reads: readonly string[][]): number {
  const users = new Map<number, number[]>();
  const open = reads.map((list, user) => {
    const from = new Set(list.flatMap((cell) => writer.get(cell) ?? []));
    for (const w of from) users.set(w, [...(users.get(w) ?? []), user]);
    return from.size;
  });
  const ready = open.flatMap((n, i) => (n === 0 ? [i] : []));
  for (let i = 0; i < ready.length; i++) for (const u of users.get(ready[i]) ?? []) if (--open[u] === 0) ready.push(u);
  return reads.length - ready.length;
}

/** Relations that a program may lack: a vocabulary of a power of two needs no bound on ids. */
const OPTIONAL = ['input.range', 'label.range'];

function relationChoices(program: LlamaProgram, pinning: ReadonlySet<string>): string[] {
  const present = program.relations.map((r) => r.name);
  const needless = present.filter((name) => name !== 'count' && !pinning.has(name) && !OPTIONAL.includes(name));
  const missing = [...pinning, 'count'].filter((name) => !present.includes(name));
  return [...needless.map((n) => `relation ${n} pins nothing`), ...missing.map((n) => `no relation ${n}`)];
}

/** Relations that the operations rest on. */
function pinned(program: LlamaProgram): Set<string> {
  return new Set(program.operations.flatMap((op) => relationsOf(op)));
}

/** What leaves a prover a choice in a program; empty where nothing does. */
function choices(program: LlamaProgram): string[] {
  const found: string[] = [];
  const writer = new Map<string, number>();
  const reads: string[][] = [];
  for (const op of program.operations)
    for (const point of points(op.domain)) {
      const e = effect(op, point);
      for (const cell of e.writes) {
        if (writer.has(cell)) found.push(`${cell} is written twice`);
        writer.set(cell, reads.length);
      }
      reads.push(e.reads);
    }
  for (const { name, axes } of program.cells)
    for (const point of points(axes)) {
      const cell = `${name}[${[...point.values()].join()}]`;
      if (writer.has(cell) === INPUT.test(name)) found.push(`${cell} is written: ${writer.has(cell)}`);
    }
  const circle = circular(writer, reads);
  if (circle > 0) found.push(`${circle} values depend on each other`);
  return [...found, ...relationChoices(program, pinned(program))];
}

describe('no cell is left to choice', () => {
  const small: Partial<ToyOptions> = { ...MICRO, hidden: 2, feed: 2 };
  const every =
    process.env.ZKLORA_FULL === '1' ? Array.from({ length: 127 }, (_, i) => i + 1) : [1, 2, 4, 8, 16, 32, 64, 127];

  it.each([
    { layers: 1, optimizer: 'sgd', steps: 1 },
    { layers: 2, optimizer: 'adamw-decay', steps: 2 },
    { layers: 3, optimizer: 'adamw', steps: 4 },
  ] as const)('$layers layers, $steps steps of $optimizer, by targets', (shape) => {
    for (const subset of every) {
      const targets = TARGETS.filter((_, i) => (subset >> i) & 1);
      expect(choices(toy({ ...small, ...shape, targets }).program)).toEqual([]);
    }
  });
});

describe('a program with a part left out', () => {
  const { program } = toy({ ...MICRO, hidden: 2, feed: 2, layers: 2 });

  it.each(program.relations.map((r) => r.name).filter((name) => !OPTIONAL.includes(name)))('relation %s', (name) => {
    const relations = program.relations.filter((r) => r.name !== name);
    expect(relationChoices({ ...program, relations }, pinned(program))).toEqual([`no relation ${name}`]);
  });

  it.each(program.operations.map((op) => op.name))('operation %s', (name) => {
    const operations = program.operations.filter((op) => op.name !== name);
    expect(choices({ ...program, operations })).not.toEqual([]);
  });
});

const TINY = { gate: 6, spread: 6, widest: 6, activation: 9, residual: 9, score: 8, gradient: 9 };
const RUNS: Readonly<Record<string, Partial<ToyOptions>>> = {
  'AdamW with decay': { ...MICRO, widths: TINY },
  'SGD on attention, a table longer than its values': { ...MICRO_DEEP, widths: { ...TINY, spread: 14 } },
  'AdamW with decay, odd sizes, all targets': {
    ...MICRO,
    widths: TINY,
    layers: 3,
    steps: 4,
    hidden: 3,
    feed: 6,
    group: 3,
    vocab: 5,
    targets: TARGETS,
    dataRows: 3,
    masked: true,
  },
};

/** Random words in every cell, whatever its range. */
function randomCells(circuit: Circuit): Map<string, Uint32Array> {
  const stream = new UniformStream(new Uint8Array(32), 'cells');
  const placements = Object.values(circuit.stacks).flatMap((s) => [...s.placements.values()]);
  return new Map(
    placements.map(({ cells: { name, axes } }) => [
      name,
      Uint32Array.from({ length: sizeOf(axes) }, () => stream.word()),
    ]),
  );
}

function drawer(label: string, seed = 0): () => Ext {
  const transcript = new Transcript();
  transcript.absorb(label, Uint8Array.of(seed));
  return () => transcript.challenge(label);
}

/** Weights of a functional by offset from its placement's base. */
function* weightsOf(w: CellWeights): Generator<[number, Ext]> {
  const lo = w.placement.lo.reduce<Ext[]>(
    (out, digit, k) => out.flatMap((x) => loTable(digit, w.lo[k]).map((v) => mul(x, v))),
    [w.coef],
  );
  const blocks = w.index ?? w.hi.map((_, b) => b);
  for (const [i, b] of blocks.entries()) for (const [l, x] of lo.entries()) yield [b * lo.length + l, mul(w.hi[i], x)];
}

describe.each(Object.entries(RUNS))('%s', (_, options) => {
  let t: Toy;
  let circuit: Circuit;
  let cells: CellMap;
  let exact: ProgramCheck;
  let losses: number[];

  beforeAll(() => {
    t = toy(options);
    circuit = compile(t.program);
    cells = randomCells(circuit);
    exact = new ProgramCheck(t.program, cells, t.rows);
    losses = t.rows.map((_r, i) => 1000 + 7 * i);
  });

  /** τ and ρ as a plan draws them. */
  function drawn(draw: () => Ext): { point: Map<string, Ext[]>; rho: Ext } {
    const point = new Map(relationAxes(circuit).map((a) => [a.name, Array.from({ length: log2Ceil(a.size) }, draw)]));
    return { point, rho: draw() };
  }

  /** The data's entry for a token. */
  function entry(kind: 'input' | 'label' | 'mask', point: Point): bigint {
    const [step, row, token] = ['step', 'row', 'token'].map((n) => point.get(n) as number);
    const sample = t.rows[step][row];
    const at = sample * t.config.seqLen + token;
    const cell = (name: string, i: number): bigint => BigInt((cells.get(name) as Uint32Array)[i]);
    if (kind === 'mask') return cell('data.mask', at);
    if (kind === 'label') return cell('data.labels', at);
    return token === 0 ? cell('data.first', sample) : cell('data.labels', at - 1);
  }

  it('has a plan that sums up to the exact relations', () => {
    const header = new Uint8Array(1);
    const instance: Instance = { header, params: TEST_PARAMETERS, circuit, rows: t.rows, losses, startSeed: null };
    const plans = new PlanValues(instance, cells, 5);
    const { point, rho } = drawn(drawer('plan-value', 5));
    const tables = new Map([...point].map(([name, coords]) => [name, eqTable(coords)]));
    const all: { name: string; domain: readonly Axis[]; terms: readonly Term[]; less: (p: Point) => bigint }[] = [
      ...t.program.relations.map((r) => ({ ...r, less: () => 0n })),
      ...t.program.ties.map((tie) => ({ ...tie, less: (p: Point) => entry(tie.entry, p) })),
      { ...t.program.loss, less: (p) => -BigInt(losses[p.get('step') as number]) },
    ];
    const different = all.filter(({ name, domain, terms, less }) => {
      let sum = ZERO;
      for (const at of points(domain)) {
        const weight = domain.reduce((w, a) => mul(w, tables.get(a.name)![at.get(a.name)!]), rho);
        sum = add(sum, mul(weight, lift(exact.sum(terms, domain, at) - less(at))));
      }
      return !equals(sum, plans.value(name));
    });
    expect(different.map((r) => r.name)).toEqual([]);
  });

  /** Numerator and fingerprint of a leaf's entry, by the declarations. */
  function leafEntry(leaf: Leaf, at: number, point: Point): { p: bigint; row: readonly bigint[] } {
    const values = leaf.kind === 'lookup' ? null : (cells.get(leaf.placement.cells.name) as Uint32Array);
    if (leaf.kind === 'range') return { p: 1n, row: [BigInt(values![at]), 0n, 0n, BigInt(leaf.bits)] };
    if (leaf.kind === 'rangeTable')
      return { p: -BigInt(values![at]), row: [BigInt(at), 0n, 0n, BigInt(log2Ceil(values!.length))] };
    if (leaf.kind === 'table') {
      const { columns, start, tag } = leaf.table;
      const [first, second] = columns.map((c) => BigInt(c[at - start] ?? 0));
      return { p: -BigInt(values![at]), row: [BigInt(at), first, second, tag] };
    }
    const { key, keyMinus, outputs, causal } = leaf.lookup;
    const value = (tensor: Tensor): bigint => exact.sum([{ coef: 1n, factors: [whole(tensor)] }], tensor.axes, point);
    const c0 = value(key) - (keyMinus === null ? 0n : value(keyMinus)) - leaf.table.min;
    const masked = causal && (point.get('key') as number) > (point.get('token') as number);
    return { p: masked ? 0n : 1n, row: [c0, value(outputs[0]), value(outputs[1]), leaf.table.tag] };
  }

  it('looks up every ranged cell once, and the declared columns', () => {
    const draw = drawer('leaves');
    const c = drawLookup({ challenge: draw });
    const z = Array.from({ length: circuit.leafBits }, draw);
    const eq = eqTable(z);
    const used = new Set<number>();
    let [p, q] = [ZERO, ONE];
    for (const leaf of circuit.leaves) {
      const axes = leaf.kind === 'lookup' ? leaf.lookup.key.axes : leaf.placement.cells.axes;
      const natural = new Uint32Array(sizeOf(axes));
      const own = { ...shapeOf(axes), base: 0, cells: { name: '', oracle: 'witness', axes, bits: null } } as const;
      writePlacement(
        natural,
        own,
        natural.map((_n, i) => i),
      );
      const indices = [...points(axes)];
      natural.forEach((at, offset) => {
        const { p: numerator, row } = leafEntry(leaf, at, indices[at]);
        const print = row.reduce((s, x, k) => add(s, mul(c.beta[k], lift(x))), ZERO);
        used.add(leaf.start + offset);
        p = add(p, mul(eq[leaf.start + offset], lift(numerator)));
        q = add(q, mul(eq[leaf.start + offset], sub(sub(c.alpha, print), ONE)));
      });
    }
    expect(used.size).toBe(circuit.leaves.reduce((n, l) => n + l.blocks * 2 ** l.loBits, 0));
    const ranged = circuit.leaves.flatMap((l) => (l.kind === 'range' ? [`${l.name} ${l.bits}`] : []));
    const declared = t.program.cells.flatMap((d) => (d.bits === null ? [] : [`${d.name} ${d.bits}`]));
    expect(ranged.sort()).toEqual(declared.sort());
    for (const { functionals, value } of leafClaims(PLAIN, circuit, c, z, p, q)) {
      let sum = ZERO;
      for (const w of functionals) {
        const stacked = new Uint32Array(w.placement.blocks * 2 ** w.placement.loBits);
        writePlacement(stacked, { ...w.placement, base: 0 }, cells.get(w.placement.cells.name) as Uint32Array);
        for (const [offset, x] of weightsOf(w)) sum = add(sum, scale(x, BigInt(stacked[offset])));
      }
      expect(sum).toEqual(value);
    }
  });

  it("evaluates each functional's weights as their extension over the oracle's addresses", () => {
    const draw = drawer('functionals');
    const plan = new Planner(circuit, { rows: t.rows, losses, ...drawn(draw) }).run();
    const r = Array.from({ length: plan.bits }, draw);
    const c = drawLookup({ challenge: draw });
    const z = Array.from({ length: circuit.leafBits }, draw);
    const ofFactors = [...claimedFactors(plan).values()].flatMap((f) => {
      const { tensor } = f.operand;
      return tensor.kind === 'tensor' ? onTensor(circuit, tensor, ONE, finalWeights(f, r)).functionals : [];
    });
    const ofLeaves = leafClaims(PLAIN, circuit, c, z, ZERO, ZERO).flatMap((claim) => claim.functionals);
    const places = new Map(
      Object.entries(circuit.stacks).map(([oracle, { bits }]) => {
        const point = Array.from({ length: bits }, draw);
        return [oracle, { at: new AddressPoint(point), eq: eqTable(point) }];
      }),
    );
    for (const w of [...plan.linear, ...ofFactors, ...ofLeaves]) {
      const { at, eq } = places.get(w.placement.cells.oracle)!;
      let sum = ZERO;
      for (const [offset, x] of weightsOf(w)) sum = add(sum, mul(x, eq[w.placement.base + offset]));
      expect(at.evaluate(w)).toEqual(sum);
    }
  });
});
