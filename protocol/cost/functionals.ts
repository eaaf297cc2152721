/** Work of making linear functionals on cells (`program/weights.ts`, `onTensor`) and of evaluating them in the opening. */
import type { Circuit } from '../program/circuit.ts';
import type { AxisDigit, Placement } from '../program/layout.ts';
import { log2Ceil, type Axis, type AxisUse, type Tensor } from '../program/tensors.ts';
import type { Tally, WeightKind } from './tally.ts';

/** A domain's axes and how they are weighted. */
export type DomainKinds = ReadonlyMap<string, { readonly axis: Axis; readonly kind: WeightKind }>;

/** How a tensor's axis is weighted under a domain's weights. */
export function usedKind(axis: Axis, use: AxisUse, domain: DomainKinds): WeightKind {
  if ('fixed' in use) return 'vector';
  const entry = domain.get(use.axis);
  if (entry === undefined) return 'ones';
  return use.offset === 0 && axis.size === entry.axis.size && !axis.short ? entry.kind : 'vector';
}

/** Bytes of a functional beside its weights: its digits' weights and their coordinates. */
const FUNCTIONAL_BYTES = 2048;

export class FunctionalCost {
  readonly #circuit: Circuit;
  /** Where making functionals is counted. */
  #making: Tally;
  readonly #opening: Tally;
  readonly #tables = new Set<string>();

  constructor(circuit: Circuit, making: Tally, opening: Tally) {
    this.#circuit = circuit;
    this.#making = making;
    this.#opening = opening;
  }

  /** Counts functionals made from now on elsewhere. */
  madeIn(tally: Tally): void {
    this.#making = tally;
  }

  /** tensorWeight: makes the weights of a tensor's axis from a domain's. */
  used(axis: Axis, use: AxisUse, domain: DomainKinds): WeightKind {
    const entry = 'axis' in use ? domain.get(use.axis) : undefined;
    const kind = usedKind(axis, use, domain);
    if (kind === 'vector' && entry !== undefined) this.#making.vector(entry.axis, entry.kind);
    // A vector of its own: references, filled.
    if (kind === 'vector') {
      this.#making.held += 8 * axis.size;
      this.#making.add('products', Math.ceil(axis.size / 4));
    }
    return kind;
  }

  /** onTensor. @param kinds per axis of the tensor */
  tensor(tensor: Tensor, kinds: readonly WeightKind[]): void {
    const t = this.#making;
    for (const part of tensor.parts) {
      const own = new Map<string, WeightKind>();
      const cellAxes = new Set(part.cells.axes.map((a) => a.name));
      tensor.axes.forEach((axis, i) => {
        if (part.slice?.axis === axis.name) {
          t.vector(axis, kinds[i]);
          own.set(axis.name, 'vector');
          t.add('products', 1);
        } else if (cellAxes.has(axis.name)) own.set(axis.name, kinds[i]);
        else this.#sum(axis, kinds[i]);
      });
      this.cells(this.#circuit.placement(part.cells), own);
    }
    tensor.axes.forEach((axis, i) => {
      this.#sum(axis, kinds[i]);
    });
    t.add('products', 1);
  }

  #sum(axis: Axis, kind: WeightKind): void {
    this.#making.add('products', 1);
    this.#making.weightSum(axis, kind);
  }

  /** onCells, with the functional's part of the opening. */
  cells(placement: Placement, kinds: ReadonlyMap<string, WeightKind>): void {
    const t = this.#making;
    const kindOf = (digit: AxisDigit): WeightKind => kinds.get(digit.axis.name) ?? 'ones';
    t.add('products', placement.cells.axes.length);
    let blocks = 1;
    for (const digit of placement.hi) {
      blocks *= digit.size;
      if (kindOf(digit) === 'point') t.eqRange(log2Ceil(digit.size), digit.size);
      t.add('products', blocks);
    }
    t.hold(blocks);
    this.evaluated(placement, placement.lo.map(kindOf));
  }

  /** A functional's evaluation at the opening's point: its block weights, and each digit's. */
  evaluated(placement: Placement, lo: readonly WeightKind[]): void {
    const t = this.#opening;
    const high = this.#highBits(placement);
    if (!this.#tables.has(placement.cells.name)) {
      this.#tables.add(placement.cells.name);
      t.eqRange(high, placement.blocks);
      t.hold(placement.blocks);
    }
    // λ·w, the block weights, and twice the coefficient.
    t.add('products', placement.blocks + 3);
    this.#digits(placement, lo);
  }

  /** A functional on some blocks alone, each weighed by itself. */
  evaluatedAt(placement: Placement, count: number, lo: readonly WeightKind[]): void {
    this.#opening.add('products', count * (this.#highBits(placement) + 1) + 3);
    this.#opening.hold(count);
    this.#digits(placement, lo);
  }

  #highBits(placement: Placement): number {
    return this.#circuit.stacks[placement.cells.oracle].bits - placement.loBits;
  }

  #digits(placement: Placement, lo: readonly WeightKind[]): void {
    this.#opening.held += FUNCTIONAL_BYTES;
    placement.lo.forEach((digit, k) => {
      const bits = log2Ceil(digit.size);
      if (lo[k] === 'point') this.#opening.add('products', 3 * bits + 1);
      else if (lo[k] === 'vector') {
        this.#opening.eqRange(bits, digit.size);
        this.#opening.add('products', digit.size + 1);
      }
    });
  }
}
