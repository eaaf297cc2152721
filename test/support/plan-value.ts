/**
 * What the verifier's plan of a relation sums to on given cells: at a random point, the functionals and products by their
 * definitions, index by index, without any of the prover's code. Zero where the relation holds.
 */
import { ONE, ZERO, add, lift, mul, scale, type Ext } from '../../protocol/extension.ts';
import type { Instance } from '../../protocol/instance.ts';
import {
  Planner,
  onTensor,
  publicValue,
  relationAxes,
  type Factor,
  type Product,
  type RelationPlan,
} from '../../protocol/arguments/plan.ts';
import { finalWeights } from '../../protocol/arguments/relations.ts';
import { writePlacement } from '../../protocol/program/pack.ts';
import type { OneHotTensor } from '../../protocol/program/tensors.ts';
import { loTable, weightVector, type CellWeights } from '../../protocol/program/weights.ts';
import { Transcript } from '../../protocol/transcript.ts';
import { log2Ceil } from '../../protocol/program/tensors.ts';
import type { CellMap } from '../../prover/train/engine.ts';

/** Coordinates of an index, lowest bit first. */
function bitsOf(index: number, count: number): Ext[] {
  return Array.from({ length: count }, (_, k) => ((index >> k) & 1 ? ONE : ZERO));
}

/** Names of the cells that a plan reads. */
function reads(plan: RelationPlan): Set<string> {
  const names = plan.linear.map((w) => w.placement.cells.name);
  for (const p of plan.products)
    for (const { operand } of p.factors) {
      const { tensor } = operand;
      if (tensor.kind === 'public') continue;
      names.push(...(tensor.kind === 'onehot' ? tensor.bits : tensor).parts.map((part) => part.cells.name));
    }
  return new Set(names);
}

export class PlanValues {
  readonly #instance: Instance;
  readonly #cells: CellMap;
  readonly #plans = new Map<string, { plan: RelationPlan; reads: Set<string> }>();
  /** Values of functionals and factors on the given cells. */
  readonly #known = new Map<unknown, Ext | Ext[]>();
  readonly #stacked = new Map<Uint32Array, Uint32Array>();

  /**
   * @param cells of all oracles, natural order
   * @param seed of the point
   */
  constructor(instance: Instance, cells: CellMap, seed: number) {
    this.#instance = instance;
    this.#cells = cells;
    const { circuit, rows, losses } = instance;
    const transcript = new Transcript();
    transcript.absorb('plan-value', Uint8Array.of(seed));
    const draw = (): Ext => transcript.challenge('plan-value');
    const point = new Map(relationAxes(circuit).map((a) => [a.name, Array.from({ length: log2Ceil(a.size) }, draw)]));
    const rho = draw();
    const { program } = circuit;
    const add = (name: string, part: Partial<typeof program>, own: readonly number[] | null): void => {
      const one = { ...circuit, program: { ...program, relations: [], ties: [], ...part } };
      const plan = new Planner(one, { rows, losses: own, point, rho }).run();
      this.#plans.set(name, { plan, reads: reads(plan) });
    };
    for (const r of program.relations) add(r.name, { relations: [r] }, null);
    for (const t of program.ties) add(t.name, { ties: [t] }, null);
    add('loss', {}, losses);
  }

  /** Names of relations, ties and the loss. */
  get names(): string[] {
    return [...this.#plans.keys()];
  }

  /** Relations that read some cells. */
  readersOf(cells: string): string[] {
    return [...this.#plans].flatMap(([name, entry]) => (entry.reads.has(cells) ? [name] : []));
  }

  /** Factors of all products. */
  factors(): Factor[] {
    return [...this.#plans.values()].flatMap(({ plan }) => plan.products.flatMap((p) => p.factors));
  }

  /** The sum of a relation's plan where `changed` stand in the place of some cells. */
  value(relation: string, changed: CellMap = new Map()): Ext {
    const { plan } = this.#plans.get(relation) as { plan: RelationPlan };
    const linear = plan.linear.reduce((s, w) => add(s, this.#functional(w, changed)), plan.constant);
    return plan.products.reduce((s, p) => add(s, this.#product(p, changed)), linear);
  }

  #product(product: Product, changed: CellMap): Ext {
    const factors = product.factors.map((f) => this.#factor(f, product, changed));
    let sum = ZERO;
    for (let i = 0; i < 2 ** product.bits; i++) {
      const weight = product.weight.reduce((out, w) => {
        const digit = (i >> w.kept.at) % 2 ** w.kept.bits;
        return mul(out, weightVector(w.kept.axis, w.weight)[digit] ?? ZERO);
      }, product.coef);
      sum = add(
        sum,
        factors.reduce((out, f) => mul(out, f[i]), weight),
      );
    }
    return sum;
  }

  /** A factor at every index of its product. */
  #factor(factor: Factor, product: Product, changed: CellMap): Ext[] {
    const { tensor } = factor.operand;
    const parts = tensor.kind === 'public' ? [] : (tensor.kind === 'onehot' ? tensor.bits : tensor).parts;
    const affected = parts.some((p) => changed.has(p.cells.name));
    const known = this.#known.get(factor);
    if (!affected && known !== undefined) return known as Ext[];
    const values = Array.from({ length: 2 ** product.bits }, (_, i) => {
      const weights = finalWeights(factor, bitsOf(i, product.bits));
      if (tensor.kind === 'public') return publicValue(tensor, weights);
      if (tensor.kind === 'onehot') return this.#onehot(tensor, factor, i, changed);
      const { functionals, offset } = onTensor(this.#instance.circuit, tensor, ONE, weights);
      return functionals.reduce((s, w) => add(s, this.#functional(w, changed, false)), offset);
    });
    if (!affected) this.#known.set(factor, values);
    return values;
  }

  /** Σ tokens weight·Π_k (bit k of the token is that of the vocabulary's index), whatever integers the bits are. */
  #onehot(tensor: OneHotTensor, factor: Factor, index: number, changed: CellMap): Ext {
    const vocab = factor.uses.at(-1);
    if (vocab?.kind !== 'kept') throw new RangeError(`${tensor.name} is used without its vocabulary axis`);
    const word = (index >> vocab.kept.at) % 2 ** vocab.kept.bits;
    const width = vocab.kept.bits;
    const name = tensor.bits.parts[0].cells.name;
    const bits = (changed.get(name) ?? this.#cells.get(name)) as Uint32Array;
    const vectors = tensor.axes.slice(0, -1).map((axis, i) => {
      return weightVector(axis, finalWeights(factor, bitsOf(index, 32))[i]);
    });
    const weights = vectors.reduce<Ext[]>((out, v) => out.flatMap((w) => v.map((x) => mul(w, x))), [ONE]);
    return weights.reduce((s, w, token) => {
      let product = w;
      for (let k = 0; k < width; k++) {
        const bit = BigInt(bits[token * width + k]);
        product = mul(product, lift((word >> k) & 1 ? bit : 1n - bit));
      }
      return add(s, product);
    }, ZERO);
  }

  /** coef · Σ_b hi[b] Σ_l Π lo(l) · cell[b, l]. */
  #functional(w: CellWeights, changed: CellMap, keep = true): Ext {
    const { name } = w.placement.cells;
    const affected = changed.has(name);
    const known = this.#known.get(w);
    if (!affected && known !== undefined) return known as Ext;
    const cells = this.#inStack(w, (changed.get(name) ?? this.#cells.get(name)) as Uint32Array);
    const lo = w.placement.lo.reduce<Ext[]>(
      (out, digit, k) => out.flatMap((x) => loTable(digit, w.lo[k]).map((v) => mul(x, v))),
      [ONE],
    );
    const index = w.index ?? w.hi.map((_, b) => b);
    let sum = ZERO;
    index.forEach((b, i) => {
      lo.forEach((x, l) => (sum = add(sum, scale(mul(w.hi[i], x), BigInt(cells[b * lo.length + l])))));
    });
    const value = mul(sum, w.coef);
    if (!affected && keep) this.#known.set(w, value);
    return value;
  }

  /** Natural cells in the order of their placement. */
  #inStack({ placement }: CellWeights, cells: Uint32Array): Uint32Array {
    let out = this.#stacked.get(cells);
    if (out === undefined) {
      out = new Uint32Array(cells.length);
      writePlacement(out, { ...placement, base: 0 }, cells);
      this.#stacked.set(cells, out);
    }
    return out;
  }
}
