/**
 * How the program's relations become claims: at a random index of its domain (one coordinate vector per axis name), a
 * relation's linear terms are functionals on committed cells, and its products are sums for one batched sumcheck.
 *
 * Soundness: a relation is a polynomial in the committed tables, fixed before the point τ is drawn; if it fails at some real
 * index, its extension is nonzero and vanishes at τ with probability at most (variables)/|F|. Padded indices can't make it
 * fail or hold: every tensor is zero there and constants are weighted by the indicator of real indices.
 */
import { ONE, ZERO, add, isZero, lift, mul, scale, type Ext } from '../extension.ts';
import { contractIntegers } from '../multilinear.ts';
import type { Circuit } from '../program/circuit.ts';
import type { DataTie, Relation, Term } from '../program/relations.ts';
import { log2Ceil, type Axis, type AxisUse, type Operand, type PublicTensor, type Tensor } from '../program/tensors.ts';
import { ONES, onCells, weightSum, weightVector, type AxisWeight, type CellWeights } from '../program/weights.ts';

/** Axes that a product may keep, lowest index bits first. Layers and steps come last so that vectors are prefixes. */
const ORDER = [
  ...['freq', 'halfIn', 'half', 'key', 'rank', 'hidden', 'feed', 'bit', 'vocab', 'token', 'group', 'kv', 'row', 'step'],
  ...['inner', 'layer'],
];

/** An axis over which a product's sumcheck runs: bits at, … of the index. */
export interface KeptAxis {
  readonly axis: Axis;
  readonly at: number;
  readonly bits: number;
}

/** How one axis of an operand is indexed inside a product. */
export type OperandUse =
  | { readonly kind: 'kept'; readonly kept: KeptAxis; readonly offset: number }
  | { readonly kind: 'bound'; readonly weight: AxisWeight };

/** One operand with the axes that only it has summed away. */
export interface Factor {
  /** Equal keys mean the same table and the same final claim. */
  readonly key: string;
  readonly operand: Operand;
  readonly uses: readonly OperandUse[];
}

/** coef · Σ_x weight(x) · Π factors(x) over the kept axes; `weight` lists the axes with weights (others: all ones). */
export interface Product {
  readonly coef: Ext;
  readonly kept: readonly KeptAxis[];
  readonly bits: number;
  readonly weight: readonly { readonly kept: KeptAxis; readonly weight: AxisWeight }[];
  readonly factors: readonly Factor[];
}

export interface RelationPlan {
  /** Functionals and a constant such that Σ functionals + constant + Σ products = 0. */
  readonly linear: readonly CellWeights[];
  readonly constant: Ext;
  readonly products: readonly Product[];
  /** Sumcheck variables: the largest product's. */
  readonly bits: number;
  /** Degree of the round polynomials. */
  readonly degree: number;
}

/** Every axis of a relation's domain, once, in order of first use. */
export function relationAxes(circuit: Circuit): Axis[] {
  const seen = new Map<string, Axis>();
  const { relations, ties, loss } = circuit.program;
  for (const r of [...relations, ...ties, loss]) for (const a of r.domain) seen.set(a.name, a);
  return [...seen.values()];
}

/** What the relations argument shows, in order: relations, ties to the data (`tie`), and the loss where it is stated. */
export function planned(circuit: Circuit, losses: readonly number[] | null): { relation: Relation; tie?: DataTie }[] {
  const { relations, ties, loss } = circuit.program;
  const all: { relation: Relation; tie?: DataTie }[] = relations.map((relation) => ({ relation }));
  for (const tie of ties) all.push({ relation: { name: tie.name, domain: tie.domain, terms: tie.terms }, tie });
  if (losses !== null) {
    const constant: Term = { coef: 1n, scale: { axis: 'step', values: losses.map(BigInt) }, factors: [] };
    all.push({ relation: { ...loss, terms: [...loss.terms, constant] } });
  }
  return all;
}

/** Whether a term is a constant, one functional on cells, or a product for the sumcheck. */
export function termKind(t: Term): 'constant' | 'linear' | 'product' {
  const [only] = t.factors;
  if (only === undefined) return 'constant';
  return t.factors.length === 1 && only.tensor.kind === 'tensor' ? 'linear' : 'product';
}

/** The axes of a product: those that several factors share are kept, the others are summed inside one factor. */
export interface ProductShape {
  readonly kept: ReadonlyMap<string, KeptAxis>;
  readonly bits: number;
  /** Axes of the relation's domain that no factor has. */
  readonly unused: readonly Axis[];
  /** Per factor; see Factor. */
  readonly keys: readonly string[];
}

/** @param domain of the term's relation */
export function productShape(t: Term, domain: readonly Axis[]): ProductShape {
  const named = new Map(domain.map((a) => [a.name, a]));
  const uses = new Map<string, { axis: Axis; count: number }>();
  for (const f of t.factors) {
    f.uses.forEach((u, i) => {
      if (!('axis' in u)) return;
      const known = named.get(u.axis) ?? uses.get(u.axis)?.axis ?? { ...f.tensor.axes[i], name: u.axis };
      uses.set(u.axis, { axis: known, count: (uses.get(u.axis)?.count ?? 0) + 1 });
    });
  }
  const shared = [...uses.entries()].filter(([, u]) => u.count > 1);
  shared.sort(([a], [b]) => orderOf(a) - orderOf(b));
  let at = 0;
  const kept = new Map<string, KeptAxis>();
  for (const [name, { axis }] of shared) {
    const bits = log2Ceil(axis.size);
    kept.set(name, { axis, at, bits });
    at += bits;
  }
  const scaling = t.scale === undefined ? '' : `×${t.scale.axis}:${t.scale.values.join()}`;
  const keys = t.factors.map((f) => factorKey(f, kept, named, scaling));
  return { kept, bits: at, unused: domain.filter((a) => !uses.has(a.name)), keys };
}

function factorKey(
  operand: Operand,
  kept: ReadonlyMap<string, KeptAxis>,
  domain: ReadonlyMap<string, Axis>,
  scaling: string,
): string {
  const uses = operand.uses.map((u) => {
    if ('fixed' in u) return `=${u.fixed}`;
    const k = kept.get(u.axis);
    return k === undefined ? `${domain.has(u.axis) ? '' : '*'}${u.axis}+${u.offset}` : `${u.axis}@${k.at}+${u.offset}`;
  });
  return [operand.tensor.name + scaling, ...uses].join(' ');
}

/** Rows of the data set behind [step, row] of the segment, and the public losses (null: hidden). */
export interface PlanInputs {
  readonly rows: readonly (readonly number[])[];
  readonly losses: readonly number[] | null;
  /** τ by axis name. */
  readonly point: ReadonlyMap<string, readonly Ext[]>;
  /** Batches the relations by its powers. */
  readonly rho: Ext;
}

/** A domain's axes with the weights of their indices, by name. */
type DomainWeights = ReadonlyMap<string, { readonly axis: Axis; readonly weight: AxisWeight }>;

export class Planner {
  readonly #taus = new Map<string, AxisWeight>();
  readonly #circuit: Circuit;
  readonly #inputs: PlanInputs;
  readonly #linear: CellWeights[] = [];
  readonly #products: Product[] = [];
  #constant: Ext = ZERO;

  constructor(circuit: Circuit, inputs: PlanInputs) {
    this.#circuit = circuit;
    this.#inputs = inputs;
  }

  run(): RelationPlan {
    let factor = ONE;
    const next = (): Ext => (factor = mul(factor, this.#inputs.rho));
    for (const { relation, tie } of planned(this.#circuit, this.#inputs.losses)) {
      const by = next();
      this.#relation(relation, by);
      if (tie !== undefined) this.#dataEntry(tie, by);
    }
    const bits = this.#products.reduce((m, p) => Math.max(m, p.bits), 0);
    const degree = this.#products.reduce((m, p) => Math.max(m, p.factors.length + (p.weight.length > 0 ? 1 : 0)), 0);
    return { linear: this.#linear, constant: this.#constant, products: this.#products, bits, degree };
  }

  #tau(axis: Axis): AxisWeight {
    let weight = this.#taus.get(axis.name);
    if (weight === undefined) {
      const coords = this.#inputs.point.get(axis.name);
      if (coords === undefined) throw new RangeError(`no point for axis ${axis.name}`);
      weight = { kind: 'point', coords };
      if (axis.short) weight = { kind: 'vector', values: weightVector(axis, weight) };
      this.#taus.set(axis.name, weight);
    }
    return weight;
  }

  #relation(relation: Relation, by: Ext): void {
    const taus = new Map(relation.domain.map((a) => [a.name, { axis: a, weight: this.#tau(a) }]));
    for (const t of relation.terms) {
      const coef = mul(by, lift(t.coef));
      if (isZero(coef)) continue;
      const weights = t.scale === undefined ? taus : scaledWeights(relation.name, taus, t.scale);
      const kind = termKind(t);
      if (kind === 'constant') this.#constantTerm(coef, [...weights.values()]);
      else if (kind === 'linear') this.#linearTerm(t.factors[0], t.factors[0].tensor as Tensor, coef, weights);
      else this.#productTerm(t, relation.domain, coef, weights);
    }
  }

  #constantTerm(coef: Ext, weights: readonly { axis: Axis; weight: AxisWeight }[]): void {
    const whole = weights.reduce((s, w) => mul(s, weightSum(w.axis, w.weight)), coef);
    this.#constant = add(this.#constant, whole);
  }

  #linearTerm(operand: Operand, tensor: Tensor, coef: Ext, weights: DomainWeights): void {
    const used = new Set(operand.uses.flatMap((u) => ('axis' in u ? [u.axis] : [])));
    let factor = coef;
    for (const [name, { axis, weight }] of weights) if (!used.has(name)) factor = mul(factor, weightSum(axis, weight));
    const own = operand.uses.map((u, i) => tensorWeight(tensor.axes[i], u, weights));
    const { functionals, offset } = onTensor(this.#circuit, tensor, factor, own);
    this.#linear.push(...functionals);
    this.#constant = add(this.#constant, offset);
  }

  #productTerm(t: Term, domain: readonly Axis[], coef: Ext, weights: DomainWeights): void {
    const { kept, bits, unused, keys } = productShape(t, domain);
    const of = (name: string): AxisWeight | undefined => weights.get(name)?.weight;
    const factor = unused.reduce((out, axis) => mul(out, weightSum(axis, of(axis.name) ?? ONES)), coef);
    const factors = t.factors.map((operand, i): Factor => {
      const uses = operand.uses.map((u, k): OperandUse => {
        const shared = 'axis' in u ? kept.get(u.axis) : undefined;
        if (shared !== undefined && 'axis' in u) return { kind: 'kept', kept: shared, offset: u.offset };
        return { kind: 'bound', weight: tensorWeight(operand.tensor.axes[k], u, weights) };
      });
      return { key: keys[i], operand, uses };
    });
    const weight = [...kept.values()].flatMap((k) => {
      const w = of(k.axis.name);
      return w === undefined ? [] : [{ kept: k, weight: w }];
    });
    this.#products.push({ coef: factor, kept: [...kept.values()], bits, weight, factors });
  }

  /** −Σ weights · data entry of the sampled rows. */
  #dataEntry(tie: DataTie, by: Ext): void {
    const [stepAxis, rowAxis, tokenAxis] = tie.domain as [Axis, Axis, Axis];
    const steps = weightVector(stepAxis, this.#tau(stepAxis));
    const rows = weightVector(rowAxis, this.#tau(rowAxis));
    const sums = new Map<number, Ext>();
    this.#inputs.rows.forEach((batch, t) => {
      batch.forEach((sample, b) => {
        sums.set(sample, add(sums.get(sample) ?? ZERO, mul(steps[t], rows[b])));
      });
    });
    const index = [...sums.keys()].sort((a, b) => a - b);
    const hi = index.map((i) => sums.get(i) as Ext);
    const coef = scale(by, 0xffffffff00000000n); // −1
    const push = (name: string, factor: Ext, lo: AxisWeight[]): void => {
      const placement = this.#circuit.stacks.data.placements.get(name);
      if (placement === undefined) throw new RangeError(`no cells ${name}`);
      this.#linear.push({ placement, coef: factor, hi, index, lo });
    };
    const tokens = this.#tau(tokenAxis);
    if (tie.entry === 'mask') push('data.mask', coef, [tokens]);
    else if (tie.entry === 'label') push('data.labels', coef, [tokens]);
    else {
      // input[0] = first, input[i] = labels[i − 1]
      const values = weightVector(tokenAxis, tokens);
      push('data.first', mul(coef, values[0]), []);
      // In rows of one token no label is an input (and the axis has no digit that would take the weight 0).
      if (tokenAxis.size > 1) push('data.labels', coef, [{ kind: 'vector', values: [...values.slice(1), ZERO] }]);
    }
  }
}

/** A domain's weights with those of one axis multiplied by a term's coefficients along it. */
function scaledWeights(relation: string, weights: DomainWeights, by: NonNullable<Term['scale']>): DomainWeights {
  const entry = weights.get(by.axis);
  if (entry === undefined) throw new RangeError(`${relation} scales along ${by.axis}, which it lacks`);
  const { axis } = entry;
  const values = weightVector(axis, entry.weight).map((w, i) => mul(w, lift(by.values[i] ?? 0n)));
  return new Map([...weights, [by.axis, { axis, weight: { kind: 'vector', values } }]]);
}

function orderOf(name: string): number {
  const i = ORDER.indexOf(name);
  if (i < 0) throw new RangeError(`axis ${name} has no place among the axes of products`);
  return i;
}

/** Weight of one tensor axis under a domain's weights: shifted, fixed, or all ones for an axis the domain lacks. */
function tensorWeight(axis: Axis, use: AxisUse, weights: DomainWeights): AxisWeight {
  if ('fixed' in use) return unit(axis, use.fixed);
  const entry = weights.get(use.axis);
  if (entry === undefined) return ONES;
  if (use.offset === 0 && axis.size === entry.axis.size && !axis.short) return entry.weight;
  const values = new Array<Ext>(axis.size).fill(ZERO);
  weightVector(entry.axis, entry.weight).forEach((w, i) => (values[i + use.offset] = w));
  return { kind: 'vector', values };
}

function unit(axis: Axis, index: number): AxisWeight {
  const values = new Array<Ext>(axis.size).fill(ZERO);
  values[index] = ONE;
  return { kind: 'vector', values };
}

/** A tensor's functional as functionals on its cells, and the part that its offset contributes. */
export function onTensor(
  circuit: Circuit,
  tensor: Tensor,
  coef: Ext,
  weights: readonly AxisWeight[],
): { functionals: CellWeights[]; offset: Ext } {
  const byName = new Map(tensor.axes.map((a, i) => [a.name, { axis: a, weight: weights[i] }]));
  const functionals = tensor.parts.map((part) => {
    let factor = scale(coef, part.coef % 0xffffffff00000001n);
    const own = new Map<string, AxisWeight>();
    const cellAxes = new Set(part.cells.axes.map((a) => a.name));
    for (const [name, { axis, weight }] of byName) {
      const sliced = part.slice?.axis === name ? part.slice : null;
      if (sliced !== null) {
        const values = weightVector(axis, weight).slice(sliced.start, sliced.start + sliced.count);
        if (cellAxes.has(name)) own.set(name, { kind: 'vector', values });
        else factor = mul(factor, values[0]);
      } else if (cellAxes.has(name)) own.set(name, weight);
      else factor = mul(factor, weightSum(axis, weight));
    }
    return onCells(circuit.placement(part.cells), factor, own);
  });
  const whole = tensor.axes.reduce((s, a, i) => mul(s, weightSum(a, weights[i])), mul(coef, lift(tensor.offset)));
  return { functionals, offset: whole };
}

/** Multilinear extension of a public tensor under a weight per axis. */
export function publicValue(tensor: PublicTensor, weights: readonly AxisWeight[]): Ext {
  const points = weights.flatMap((w) => (w.kind === 'point' ? [w.coords] : []));
  if (tensor.extension !== undefined && points.length === weights.length) return tensor.extension(points);
  // The innermost axes are summed over doubles, as many as stay exact.
  const width = Math.min(MAX_INNER, 2 ** (31 - tensor.max.toString(2).length));
  let inner: readonly Ext[] = [ONE];
  let outer: readonly Ext[] = [ONE];
  for (let a = tensor.axes.length - 1; a >= 0; a--) {
    const vector = weightVector(tensor.axes[a], weights[a]);
    if (outer.length === 1 && inner.length * vector.length <= width) inner = outerProduct(vector, inner);
    else outer = outerProduct(vector, outer);
  }
  return contractIntegers(tensor.values, outer, inner);
}

/** Most weights of a public tensor's innermost axes, whose products are made ahead. */
const MAX_INNER = 1024;

/** a_i·b_j, row-major. */
function outerProduct(a: readonly Ext[], b: readonly Ext[]): Ext[] {
  return a.flatMap((x) => b.map((y) => mul(x, y)));
}
