/**
 * A tape: declares tensors with their ranges and records operations together with the relations that prove them.
 */
import type {
  ContractOp,
  DataTie,
  DivideOp,
  Lookup,
  Operation,
  Program,
  Relation,
  Scope,
  SqrtOp,
  TableName,
  Term,
} from './relations.ts';
import {
  sizeOf,
  type Axis,
  type AxisUse,
  type Cells,
  type Operand,
  type OracleName,
  type Tensor,
  type TensorPart,
} from './tensors.ts';

/** Shift of axis names for one use of a tensor: renamed, offset or fixed axes; the others keep their name. */
export type View = Readonly<Record<string, string | number | { axis: string; offset: number }>>;

/** Declared range of a tensor: signed: [−2^(bits−1), 2^(bits−1)), unsigned: [0, 2^bits). */
export interface RangeSpec {
  readonly bits: number;
  readonly signed: boolean;
}

export const signed = (bits: number): RangeSpec => ({ bits, signed: true });
export const unsigned = (bits: number): RangeSpec => ({ bits, signed: false });

/**
 * Widths of the limbs that hold a `bits`-wide value when one range lookup serves at most `widest` bits; lowest first. Limbs
 * of 16 bits and a rest: a table of a width that few cells have costs more than a limb.
 */
export function limbWidths(bits: number, widest: number): number[] {
  if (bits <= widest) return [bits];
  const low = Math.min(16, widest);
  const out: number[] = [];
  for (let left = bits; left > 0; left -= low) out.push(Math.min(low, left));
  return out;
}

/** Uses a tensor with its axes renamed, shifted or fixed. */
export function use(tensor: Operand['tensor'], view: View = {}): Operand {
  const uses = tensor.axes.map((a): AxisUse => {
    const v = view[a.name];
    if (v === undefined) return { axis: a.name, offset: 0 };
    if (typeof v === 'number') return { fixed: v };
    return typeof v === 'string' ? { axis: v, offset: 0 } : v;
  });
  return { tensor, uses };
}

/** coef · Π factors. */
export function term(coef: bigint, ...factors: Operand[]): Term {
  return { coef, factors };
}

/** The same term with `coef` varying along an axis. */
export function scaled(t: Term, axis: string, values: readonly bigint[]): Term {
  return { ...t, scale: { axis, values } };
}

const negate = (t: Term, by: bigint): Term => ({ ...t, coef: t.coef * by });

export interface ContractSpec {
  readonly scope: Scope;
  readonly domain: readonly Axis[];
  readonly terms: readonly Term[];
  readonly plus?: readonly Term[];
  readonly sign?: 1n | -1n;
  readonly divisor: bigint;
  /** Default ⌊divisor/2⌋: round half up; 0n: floor. */
  readonly bias?: bigint;
  readonly out: Operand;
}

export class ProgramBuilder {
  readonly #cells: Cells[] = [];
  readonly #relations: Relation[] = [];
  readonly #ties: DataTie[] = [];
  readonly #lookups: Lookup[] = [];
  readonly #operations: Operation[] = [];
  readonly #chains: Tensor[] = [];
  readonly #names = new Set<string>();
  readonly widest: number;

  /** @param widest widest range lookup, bits. */
  constructor(widest: number) {
    this.widest = widest;
  }

  cells(name: string, oracle: OracleName, axes: readonly Axis[], bits: number | null): Cells {
    if (this.#names.has(name)) throw new RangeError(`the program declares ${name} twice`);
    this.#names.add(name);
    const cells: Cells = { name, oracle, axes, bits };
    if (sizeOf(axes) > 0) this.#cells.push(cells);
    return cells;
  }

  /** A tensor in range-checked limbs of its own. */
  tensor(name: string, axes: readonly Axis[], range: RangeSpec, oracle: OracleName = 'witness'): Tensor {
    const widths = limbWidths(range.bits, this.widest);
    let coef = 1n;
    const parts = widths.map((bits, i): TensorPart => {
      const part = { cells: this.cells(widths.length > 1 ? `${name}.${i}` : name, oracle, axes, bits), coef };
      coef <<= BigInt(bits);
      return part;
    });
    return ofParts(name, axes, range, parts);
  }

  /** A tensor whose cells are bound to a table by a lookup, so that they need no range lookup of their own. */
  tableTensor(name: string, axes: readonly Axis[], min: bigint, max: bigint, lastAxisSum?: bigint): Tensor {
    const cells = this.cells(name, 'witness', axes, null);
    const tensor: Tensor = { kind: 'tensor', name, axes, parts: [{ cells, coef: 1n }], offset: min, min, max };
    return lastAxisSum === undefined ? tensor : { ...tensor, lastAxisSum };
  }

  relation(name: string, domain: readonly Axis[], terms: readonly Term[]): void {
    if (sizeOf(domain) > 0) this.#relations.push({ name, domain, terms });
  }

  tie(tie: DataTie): void {
    this.#ties.push(tie);
  }

  lookup(name: string, table: TableName, spec: Omit<Lookup, 'name' | 'table'>): void {
    this.#lookups.push({ name, table, ...spec });
  }

  chain(tensor: Tensor): Tensor {
    this.#chains.push(tensor);
    return tensor;
  }

  operation(op: Operation): void {
    if (sizeOf(op.domain) > 0) this.#operations.push(op);
  }

  /** The remainder of an earlier contraction, as a tensor of its own. */
  remainderOf(name: string): Tensor {
    const op = this.#operations.find((o) => o.kind === 'contract' && o.name === name) as ContractOp | undefined;
    if (op === undefined || op.remainder === null) throw new RangeError(`no contraction ${name} with a remainder`);
    return op.remainder;
  }

  /** Records out = Σ plus + sign·⌊(Σ terms + bias)/divisor⌋ and its relation; declares the remainder (and its complement). */
  contract(name: string, spec: ContractSpec): void {
    const { domain, terms, divisor, out, scope } = spec;
    const plus = spec.plus ?? [];
    const sign = spec.sign ?? 1n;
    // A scale too large for its place would make the shift negative, and 1n << −1n is 0n.
    if (divisor < 1n)
      throw new RangeError(`contraction ${name} divides by ${divisor}; the declared scales do not fit together`);
    const exact = divisor === 1n;
    const bias = spec.bias ?? divisor / 2n;
    const bits = (divisor - 1n).toString(2).length;
    const power = 1n << BigInt(bits) === divisor;
    const remainder = exact ? null : this.tensor(`${name}.rem`, domain, unsigned(bits));
    const complement = exact || power ? null : this.tensor(`${name}.corem`, domain, unsigned(bits));
    // divisor·(out − plus) + sign·(remainder − bias) = sign·Σ terms
    const relation: Term[] = [
      term(divisor, out),
      ...plus.map((t) => negate(t, -divisor)),
      ...terms.map((t) => negate(t, -sign)),
    ];
    if (remainder !== null) relation.push(term(sign, use(remainder)), term(-sign * bias));
    this.relation(name, domain, relation);
    if (remainder !== null && complement !== null)
      this.relation(`${name}.bracket`, domain, [
        term(1n, use(remainder)),
        term(1n, use(complement)),
        term(1n - divisor),
      ]);
    const op: ContractOp = {
      kind: 'contract',
      name,
      scope,
      domain,
      terms,
      plus,
      sign,
      divisor,
      bias,
      out,
      remainder,
      complement,
    };
    this.operation(op);
  }

  /** root = isqrt(Σ terms): root² + slack = Σ terms, slack + coslack = 2·root. */
  sqrt(name: string, spec: Omit<SqrtOp, 'kind' | 'name'>): void {
    const { domain, root, slack, coslack } = spec;
    this.relation(name, domain, [term(1n, root, root), term(1n, slack), ...spec.terms.map((t) => negate(t, -1n))]);
    this.relation(`${name}.bracket`, domain, [term(1n, slack), term(1n, coslack), term(-2n, root)]);
    this.operation({ kind: 'sqrt', name, ...spec });
  }

  /** quotient = ⌊Σ numerator / Σ denominator⌋ by a bracket on the remainder. */
  divide(name: string, spec: Omit<DivideOp, 'kind' | 'name'>): void {
    const { domain, quotient, remainder, complement, numerator, denominator } = spec;
    const product = denominator.map((t): Term => ({ ...t, factors: [...t.factors, quotient] }));
    this.relation(name, domain, [...product, term(1n, remainder), ...numerator.map((t) => negate(t, -1n))]);
    const bracket = [term(1n, remainder), term(1n, complement), term(1n), ...denominator.map((t) => negate(t, -1n))];
    this.relation(`${name}.bracket`, domain, bracket);
    this.operation({ kind: 'divide', name, ...spec });
  }

  finish(): Program {
    return {
      cells: this.#cells,
      relations: this.#relations,
      ties: this.#ties,
      lookups: this.#lookups,
      operations: this.#operations,
      chains: this.#chains,
    };
  }
}

function ofParts(name: string, axes: readonly Axis[], range: RangeSpec, parts: readonly TensorPart[]): Tensor {
  const half = 1n << BigInt(range.bits - 1);
  const offset = range.signed ? -half : 0n;
  return { kind: 'tensor', name, axes, parts, offset, min: offset, max: range.signed ? half - 1n : 2n * half - 1n };
}

/**
 * One tensor over T+1 slices: slice 0 lies in oracle `first`, slices 1 … T−1 in the witness, slice T in oracle `last`.
 * @param axes the axes of a slice; the result has the axis `slice` (short) before them.
 */
export function chained(
  b: ProgramBuilder,
  name: string,
  slice: Axis,
  axes: readonly Axis[],
  range: RangeSpec,
  first: OracleName,
  last: OracleName,
): Tensor {
  const steps = slice.size - 1;
  const parts: TensorPart[] = [];
  const middle: Axis = { name: slice.name, size: steps - 1, short: true };
  limbWidths(range.bits, b.widest).reduce((coef, bits, i) => {
    const limb = `${name}.${i}`;
    const at = (start: number, count: number) => ({ axis: slice.name, start, count });
    parts.push({ cells: b.cells(`${limb}.first`, first, axes, bits), coef, slice: at(0, 1) });
    if (steps > 1)
      parts.push({
        cells: b.cells(`${limb}.middle`, 'witness', [middle, ...axes], bits),
        coef,
        slice: at(1, steps - 1),
      });
    parts.push({ cells: b.cells(`${limb}.last`, last, axes, bits), coef, slice: at(steps, 1) });
    return coef << BigInt(bits);
  }, 1n);
  return b.chain(ofParts(name, [slice, ...axes], range, parts));
}
