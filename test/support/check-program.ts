/**
 * Exhaustive check of a program on given cells, in big integers and without any of the engine's code: every relation, tie,
 * range and lookup at every index.
 */
import { expTable, siluTables } from '../../protocol/program/exp.ts';
import type { LlamaProgram } from '../../protocol/program/llama.ts';
import type { DataTie, Lookup, Relation, Term } from '../../protocol/program/relations.ts';
import { sizeOf, type Axis, type Operand, type OneHotTensor, type Tensor } from '../../protocol/program/tensors.ts';
import type { CellMap } from '../../prover/train/engine.ts';

/** What does not hold: the name of the relation, tie, lookup, cells or tensor, and where. */
export interface Violation {
  readonly kind: 'relation' | 'tie' | 'lookup' | 'cells' | 'range';
  readonly name: string;
  readonly index: readonly number[];
}

type Point = ReadonlyMap<string, number>;

export class ProgramCheck {
  readonly #program: LlamaProgram;
  readonly #cells: CellMap;
  readonly #rows: readonly (readonly number[])[];
  readonly #values = new Map<string, { tensor: Operand['tensor']; values: bigint[] }>();

  /**
   * @param cells of all oracles
   * @param rows data rows of each step
   */
  constructor(program: LlamaProgram, cells: CellMap, rows: readonly (readonly number[])[]) {
    this.#program = program;
    this.#cells = cells;
    this.#rows = rows;
  }

  /** The same check with other cells in the place of some. */
  with(changed: CellMap): ProgramCheck {
    const check = new ProgramCheck(this.#program, new Map([...this.#cells, ...changed]), this.#rows);
    for (const [name, { tensor, values }] of this.#values)
      if (!partsOf(tensor).some((part) => changed.has(part))) check.#values.set(name, { tensor, values });
    return check;
  }

  /** Everything that does not hold; `only` limits the check to what reads some of the named cells. */
  *violations(only: ReadonlySet<string> | null = null): Generator<Violation> {
    const { cells, relations, ties, lookups } = this.#program;
    const reads = (operands: readonly Operand['tensor'][]): boolean =>
      only === null || operands.some((t) => partsOf(t).some((name) => only.has(name)));
    const factors = (terms: readonly Term[]): Operand['tensor'][] =>
      terms.flatMap((t) => t.factors.map((f) => f.tensor));
    for (const c of cells) if (only === null || only.has(c.name)) yield* this.#bits(c.name, c.axes, c.bits);
    for (const l of lookups)
      if (reads([l.key, ...l.outputs, ...(l.keyMinus === null ? [] : [l.keyMinus])])) yield* this.#lookup(l);
    for (const t of ties) if (reads(factors(t.terms))) yield* this.#tie(t);
    for (const r of relations) if (reads(factors(r.terms))) yield* this.#relation(r);
    if (only === null) for (const { tensor, values } of this.#values.values()) yield* ranges(tensor, values);
  }

  /** Σ terms at a point of the domain. */
  sum(terms: readonly Term[], domain: readonly Axis[], point: Point): bigint {
    const known = new Set(domain.map((a) => a.name));
    let sum = 0n;
    for (const t of terms) {
      const axes = new Map<string, Axis>();
      for (const { tensor, uses } of t.factors)
        uses.forEach((u, i) => {
          if ('axis' in u && !known.has(u.axis)) axes.set(u.axis, { ...tensor.axes[i], name: u.axis });
        });
      const scale = t.scale === undefined ? 1n : t.scale.values[point.get(t.scale.axis) as number];
      let part = 0n;
      for (const summand of points([...axes.values()], point))
        part += t.factors.reduce((product, f) => (product === 0n ? 0n : product * this.#read(f, summand)), 1n);
      sum += t.coef * scale * part;
    }
    return sum;
  }

  #read({ tensor, uses }: Operand, point: Point): bigint {
    let at = 0;
    uses.forEach((u, i) => {
      const { size, name } = tensor.axes[i];
      const index = 'fixed' in u ? u.fixed : (point.get(u.axis) as number) + u.offset;
      if (!(index >= 0 && index < size))
        throw new RangeError(`${tensor.name} is read at ${name} = ${index} of ${size}`);
      at = at * size + index;
    });
    return this.#valuesOf(tensor)[at];
  }

  #valuesOf(tensor: Operand['tensor']): bigint[] {
    let known = this.#values.get(tensor.name);
    if (known === undefined) {
      known = { tensor, values: this.#compute(tensor) };
      this.#values.set(tensor.name, known);
    }
    return known.values;
  }

  #compute(tensor: Operand['tensor']): bigint[] {
    if (tensor.kind === 'public') return Array.from(tensor.values, BigInt);
    return tensor.kind === 'onehot' ? this.#onehot(tensor) : this.#fromCells(tensor);
  }

  #fromCells(tensor: Tensor): bigint[] {
    const entries = [...points(tensor.axes)];
    return entries.map((point) => {
      let value = tensor.offset;
      for (const { cells, coef, slice } of tensor.parts) {
        const shift = slice === undefined ? 0 : slice.start;
        const along = slice === undefined ? 0 : (point.get(slice.axis) as number) - shift;
        if (slice !== undefined && (along < 0 || along >= slice.count)) continue;
        let at = 0;
        for (const a of cells.axes) at = at * a.size + (slice?.axis === a.name ? along : (point.get(a.name) as number));
        value += coef * BigInt(this.#cell(cells.name)[at]);
      }
      return value;
    });
  }

  #onehot(tensor: OneHotTensor): bigint[] {
    const bits = this.#valuesOf(tensor.bits);
    const width = tensor.bits.axes[tensor.bits.axes.length - 1].size;
    const vocab = tensor.axes[tensor.axes.length - 1].size;
    return Array.from({ length: sizeOf(tensor.axes) }, (_, i) => {
      const [row, v] = [Math.floor(i / vocab), i % vocab];
      let product = 1n;
      for (let k = 0; k < width; k++) {
        const bit = bits[row * width + k];
        product *= (v >> k) & 1 ? bit : 1n - bit;
      }
      return product;
    });
  }

  #cell(name: string): Uint32Array {
    const cells = this.#cells.get(name);
    if (cells === undefined) throw new RangeError(`no cells ${name}`);
    return cells;
  }

  *#bits(name: string, axes: readonly Axis[], bits: number | null): Generator<Violation> {
    const cells = this.#cell(name);
    if (cells.length !== sizeOf(axes)) yield { kind: 'cells', name, index: [cells.length] };
    if (bits === null) return;
    for (const [i, cell] of cells.entries()) if (cell >= 2 ** bits) yield { kind: 'cells', name, index: [i] };
  }

  *#relation({ name, domain, terms }: Relation): Generator<Violation> {
    for (const point of points(domain))
      if (this.sum(terms, domain, point) !== 0n) yield { kind: 'relation', name, index: [...point.values()] };
  }

  *#tie({ name, domain, terms, entry }: DataTie): Generator<Violation> {
    for (const point of points(domain)) {
      const [step, row, token] = ['step', 'row', 'token'].map((axis) => point.get(axis) as number);
      if (this.sum(terms, domain, point) !== BigInt(this.#entry(entry, this.#rows[step][row], token)))
        yield { kind: 'tie', name, index: [step, row, token] };
    }
  }

  #entry(entry: DataTie['entry'], sample: number, token: number): number {
    const at = sample * this.#program.config.seqLen + token;
    if (entry === 'mask') return this.#cell('data.mask')[at];
    if (entry === 'label') return this.#cell('data.labels')[at];
    return token === 0 ? this.#cell('data.first')[sample] : this.#cell('data.labels')[at - 1];
  }

  *#lookup(l: Lookup): Generator<Violation> {
    const axes = l.key.axes;
    const [last, before] = [axes[axes.length - 1], axes[axes.length - 2]].map((a) => a.name);
    const at = (tensor: Tensor, point: Point): number =>
      Number(this.#read({ tensor, uses: tensor.axes.map((a) => ({ axis: a.name, offset: 0 })) }, point));
    for (const point of points(axes)) {
      if (l.causal && (point.get(last) as number) > (point.get(before) as number)) continue;
      const key = at(l.key, point) - (l.keyMinus === null ? 0 : at(l.keyMinus, point));
      const row = this.#row(l, key);
      if (row === null || row[0] !== at(l.outputs[0], point) || row[1] !== at(l.outputs[1], point))
        yield { kind: 'lookup', name: l.name, index: [...point.values()] };
    }
  }

  /** The table's row for a key; null where the table has none. */
  #row(l: Lookup, key: number): [number, number] | null {
    const { gate, spread } = this.#program.config.widths;
    if (l.table === 'silu') {
      const { bound, silu, dsilu } = siluTables();
      if (key < -(2 ** (gate - 1)) || key >= 2 ** (gate - 1)) return null;
      if (key <= -bound) return [0, 0];
      return key >= bound ? [key, 4096] : [silu[key + bound], dsilu[key + bound]];
    }
    if (key > 0 || key <= -(2 ** spread)) return null;
    const { lowest, values } = expTable(Number(l.table.slice(3)));
    const entry = (u: number): number => (u < lowest ? 0 : values[u - lowest]);
    return [entry(key), entry(key + 1)];
  }
}

function* ranges(tensor: Operand['tensor'], values: readonly bigint[]): Generator<Violation> {
  if (tensor.kind !== 'tensor') return;
  for (const [i, v] of values.entries())
    if (v < tensor.min || v > tensor.max) yield { kind: 'range', name: tensor.name, index: [i] };
}

function partsOf(tensor: Operand['tensor']): string[] {
  if (tensor.kind === 'public') return [];
  return (tensor.kind === 'onehot' ? tensor.bits : tensor).parts.map((p) => p.cells.name);
}

/** Every index of the axes, together with those that are given. */
function* points(axes: readonly Axis[], given: Point = new Map()): Generator<Point> {
  const [first, ...rest] = axes;
  if (first === undefined) yield given;
  else for (let i = 0; i < first.size; i++) yield* points(rest, new Map([...given, [first.name, i]]));
}
