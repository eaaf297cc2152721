/** Work of the relations argument, function by function of `arguments/plan.ts` and `arguments/relations.ts`. */
import { P } from '../field.ts';
import type { Circuit } from '../program/circuit.ts';
import type { DataTie, Term } from '../program/relations.ts';
import { log2Ceil, type Axis, type AxisUse, type Operand, type PublicTensor } from '../program/tensors.ts';
import { planned, productShape, relationAxes, termKind, type ProductShape } from '../arguments/plan.ts';
import type { PlanShape } from '../arguments/plan-shape.ts';
import { usedKind, type DomainKinds, type FunctionalCost } from './functionals.ts';
import type { Tally, WeightKind } from './tally.ts';

/** Rows of the segment's steps, with repetitions and without. */
export interface SampledRows {
  readonly sampled: number;
  readonly distinct: number;
}

const bitsOf = (axis: Axis): number => log2Ceil(axis.size);

export class RelationCost {
  readonly #circuit: Circuit;
  readonly #t: Tally;
  readonly #functionals: FunctionalCost;

  constructor(circuit: Circuit, tally: Tally, functionals: FunctionalCost) {
    this.#circuit = circuit;
    this.#t = tally;
    this.#functionals = functionals;
  }

  run(plan: PlanShape, losses: readonly number[] | null, rows: SampledRows): void {
    const t = this.#t;
    const axes = relationAxes(this.#circuit);
    t.challenges(axes.reduce((n, a) => n + bitsOf(a), 0) + 1);
    for (const a of axes) t.vector(a, a.short ? 'point' : 'ones');
    for (const { relation, tie } of planned(this.#circuit, losses)) {
      t.add('products', 1);
      for (const term of relation.terms) this.#term(term, relation.domain, plan);
      if (tie !== undefined) this.#dataEntry(tie, rows);
    }
    t.elements(1 + plan.claimed.size);
    for (let i = 0; i < plan.bits; i++) t.round(plan.degree);
    for (const { operand, product, domain, scaled } of plan.claimed.values()) {
      const kinds = this.#finalKinds(operand, product, kindsOf(domain, scaled));
      if (operand.tensor.kind === 'tensor') this.#functionals.tensor(operand.tensor, kinds);
    }
  }

  #term(term: Term, domain: readonly Axis[], plan: PlanShape): void {
    const t = this.#t;
    t.add('terms', 1);
    t.add('products', 1);
    if (term.coef % P === 0n) return;
    const kinds = kindsOf(domain, term.scale?.axis ?? null);
    const scaled = domain.find((a) => a.name === term.scale?.axis);
    if (scaled !== undefined) {
      t.vector(scaled, tauKind(scaled));
      t.add('products', scaled.size);
      t.hold(scaled.size);
    }
    const summed = (axis: Axis): void => {
      t.add('products', 1);
      t.weightSum(axis, kinds.get(axis.name)?.kind ?? 'ones');
    };
    const kind = termKind(term);
    if (kind === 'constant') domain.forEach(summed);
    else if (kind === 'linear') {
      const [{ tensor, uses }] = term.factors;
      if (tensor.kind !== 'tensor') return;
      const used = new Set(uses.flatMap((u) => ('axis' in u ? [u.axis] : [])));
      domain.filter((a) => !used.has(a.name)).forEach(summed);
      this.#functionals.tensor(
        tensor,
        uses.map((u, i) => this.#functionals.used(tensor.axes[i], u, kinds)),
      );
    } else this.#product(term, productShape(term, domain), kinds, summed, plan);
  }

  /** A product laid out, and its value at the sumcheck's end. */
  #product(term: Term, product: ProductShape, kinds: DomainKinds, summed: (axis: Axis) => void, plan: PlanShape): void {
    const t = this.#t;
    product.unused.forEach(summed);
    // 2^−k of the missing variables, and the coefficient's products.
    t.add('products', 2 * log2Ceil(plan.bits + 1) + 4);
    for (const { axis } of product.kept.values()) {
      const entry = kinds.get(axis.name);
      if (entry === undefined) continue;
      t.add('products', 1);
      if (entry.kind === 'point' && axis.size === 2 ** bitsOf(axis)) t.add('products', 2 * bitsOf(axis));
      else this.#weighed(axis, entry.kind);
    }
    for (const operand of term.factors) {
      t.add('products', 1);
      operand.uses.forEach((u, i) => {
        if (!isKept(u, product)) this.#functionals.used(operand.tensor.axes[i], u, kinds);
      });
      if (operand.tensor.kind === 'public')
        this.#publicValue(operand.tensor, this.#finalKinds(operand, product, kinds));
    }
  }

  /** Σ weights · eq over an axis. */
  #weighed(axis: Axis, kind: WeightKind): void {
    this.#t.vector(axis, kind);
    this.#t.eqRange(bitsOf(axis), axis.size);
    this.#t.add('products', axis.size);
  }

  /** finalWeights: a factor's axes at the sumcheck's end. */
  #finalKinds(operand: Operand, product: ProductShape, domain: DomainKinds): WeightKind[] {
    return operand.uses.map((u, i): WeightKind => {
      const kept = 'axis' in u ? product.kept.get(u.axis) : undefined;
      const axis = operand.tensor.axes[i];
      // Made when the product was laid out, and counted there.
      if (kept === undefined) return usedKind(axis, u, domain);
      if ('axis' in u && u.offset === 0 && axis.size === kept.axis.size && !axis.short) return 'point';
      this.#t.eqRange(kept.bits, kept.axis.size);
      this.#t.hold(axis.size);
      return 'vector';
    });
  }

  #publicValue(tensor: PublicTensor, kinds: readonly WeightKind[]): void {
    const t = this.#t;
    if (tensor.extension !== undefined && kinds.every((k) => k === 'point')) {
      t.add('products', 3 * tensor.axes.reduce((n, a) => n + bitsOf(a), 0));
      return;
    }
    tensor.axes.forEach((a, i) => {
      t.vector(a, kinds[i]);
    });
    const { inner, outer } = innerAxes(tensor);
    // Partial products of the weights, limbs of the inner ones, one sum a row.
    t.add('products', 4 * inner + 3 * outer);
    t.add('integers', inner * outer);
    t.pass(2 * (inner + outer) * 128);
  }

  /** The rows behind a tie, each with its weight, and their functionals. */
  #dataEntry({ domain, entry }: DataTie, { sampled, distinct }: SampledRows): void {
    const t = this.#t;
    for (const axis of domain) t.vector(axis, tauKind(axis));
    // A product and an entry of a map each.
    t.add('products', 2 * sampled + 2);
    t.hold(2 * distinct);
    const push = (name: string, lo: WeightKind): void => {
      const placement = this.#circuit.stacks.data.placements.get(name);
      if (placement === undefined) return;
      const kinds = placement.lo.map(() => lo);
      this.#functionals.evaluatedAt(placement, distinct, kinds);
    };
    if (entry === 'input') push('data.first', 'ones');
    push(entry === 'mask' ? 'data.mask' : 'data.labels', entry === 'input' ? 'vector' : 'point');
  }
}

function kindsOf(domain: readonly Axis[], scaled: string | null): DomainKinds {
  return new Map(domain.map((a) => [a.name, { axis: a, kind: a.name === scaled ? 'vector' : tauKind(a) }]));
}

const tauKind = (axis: Axis): WeightKind => (axis.short ? 'vector' : 'point');

function isKept(use: AxisUse, product: ProductShape): boolean {
  return 'axis' in use && product.kept.has(use.axis);
}

/** As `publicValue` splits a tensor's axes. */
function innerAxes(tensor: PublicTensor): { inner: number; outer: number } {
  const width = Math.min(1024, 2 ** (31 - tensor.max.toString(2).length));
  let [inner, outer] = [1, 1];
  for (const { size } of [...tensor.axes].reverse())
    if (outer === 1 && inner * size <= width) inner *= size;
    else outer *= size;
  return { inner, outer };
}
