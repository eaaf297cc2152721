/**
 * Sums of products over strided index maps, exactly: in doubles while the sum of absolute values stays below 2^53, else
 * in big integers.
 */
import type { Term } from '../../protocol/program/relations.ts';
import type { Axis, Operand } from '../../protocol/program/tensors.ts';
import type { Values } from '../../commitment/cells.ts';
import { strides } from './cells.ts';

/** Indices that an operation holds fixed while it runs, by axis name: step, and in a layer's scope layer and inner. */
export type Held = Readonly<Record<string, number>>;

/** Domain of an operation: the axes that it runs over, and those that it holds. */
export interface Domain {
  readonly free: readonly Axis[];
  readonly held: readonly string[];
}

type Read = (tensor: Operand['tensor']) => Values;

/** Where an operand's entries lie: values[base(held) + outer[entry] + inner[summand]]. */
export interface Access {
  readonly tensor: Operand['tensor'];
  readonly base: number;
  readonly heldStrides: readonly (readonly [axis: string, stride: number])[];
  readonly outer: Int32Array;
  readonly inner: Int32Array;
}

/** Offsets of all combinations of the axes' indices, the last axis fastest. */
function offsets(axes: readonly Axis[], steps: ReadonlyMap<string, number>): Int32Array {
  let out = new Int32Array(1);
  for (const axis of axes) {
    const stride = steps.get(axis.name) ?? 0;
    const next = new Int32Array(out.length * axis.size);
    for (let i = 0; i < out.length; i++)
      for (let k = 0; k < axis.size; k++) next[i * axis.size + k] = out[i] + k * stride;
    out = next;
  }
  return out;
}

/** Index map of one operand over a domain, and over the axes that a term sums. */
export function access(operand: Operand, domain: Domain, summed: readonly Axis[] = []): Access {
  const { tensor, uses } = operand;
  const tensorStrides = strides(tensor.axes);
  const steps = new Map<string, number>();
  let base = 0;
  uses.forEach((use, i) => {
    const stride = tensorStrides[i];
    if ('fixed' in use) base += use.fixed * stride;
    else {
      base += use.offset * stride;
      steps.set(use.axis, (steps.get(use.axis) ?? 0) + stride);
    }
  });
  const heldStrides = domain.held.flatMap((name): [string, number][] => [[name, steps.get(name) ?? 0]]);
  return { tensor, base, heldStrides, outer: offsets(domain.free, steps), inner: offsets(summed, steps) };
}

/** The first entry that an access reads under the held indices. */
export function origin(a: Access, held: Held): number {
  return a.heldStrides.reduce((at, [name, stride]) => at + stride * held[name], a.base);
}

/** Axes of a term's factors that the domain lacks. */
function summedAxes(term: Term, domain: Domain): Axis[] {
  const known = new Set([...domain.free.map((a) => a.name), ...domain.held]);
  const out: Axis[] = [];
  for (const { tensor, uses } of term.factors)
    uses.forEach((use, i) => {
      if ('fixed' in use || known.has(use.axis)) return;
      known.add(use.axis);
      out.push({ ...tensor.axes[i], name: use.axis });
    });
  return out;
}

interface Factor extends Access {
  /** Values that are the term's own (its scale); null: the tensor's. */
  readonly own: Values | null;
}

interface TermPlan {
  readonly coef: bigint;
  readonly summands: number;
  readonly factors: readonly Factor[];
}

function planTerm(term: Term, domain: Domain): TermPlan {
  const summed = summedAxes(term, domain);
  const factors = term.factors.map((f): Factor => ({ ...access(f, domain, summed), own: null }));
  if (term.scale !== undefined) {
    const { axis: name, values } = term.scale;
    const axes = [{ name, size: values.length, short: true }];
    const scale: Operand = {
      tensor: { kind: 'public', name: 'scale', axes, values: new Int32Array(0), max: 0n },
      uses: [{ axis: name, offset: 0 }],
    };
    factors.push({ ...access(scale, domain, summed), own: BigInt64Array.from(values) });
  }
  return { coef: term.coef, summands: summed.reduce((n, a) => n * a.size, 1), factors };
}

/** One term whose tensors and held indices are known. */
interface BoundTerm {
  readonly coef: bigint;
  readonly number: number;
  readonly summands: number;
  readonly factors: readonly { values: Values; base: number; outer: Int32Array; inner: Int32Array }[];
}

const EXACT = 2 ** 53;

/** Σ terms at every entry of a domain. */
export class Sum {
  readonly #plans: readonly TermPlan[];
  #bound: readonly BoundTerm[] = [];

  constructor(terms: readonly Term[], domain: Domain) {
    this.#plans = terms.map((t) => planTerm(t, domain));
  }

  /** Chooses the values and the held indices for the next calls of `at`. */
  bind(read: Read, held: Held): void {
    this.#bound = this.#plans.map((plan) => ({
      coef: plan.coef,
      number: Number(plan.coef),
      summands: plan.summands,
      factors: plan.factors.map((f) => ({
        values: narrowed(f.own ?? read(f.tensor)),
        base: origin(f, held),
        outer: f.outer,
        inner: f.inner,
      })),
    }));
  }

  /** The sum at one entry of the domain: a number below 2^53 in size, or a big integer. */
  at(entry: number): number | bigint {
    let sum = 0;
    let size = 0;
    for (const t of this.#bound) {
      const [value, bound] = numberTerm(t, entry);
      sum += value;
      size += bound;
    }
    // Below 2^53 every product and every partial sum was exact.
    return size < EXACT ? sum : this.#exactly(entry);
  }

  #exactly(entry: number): bigint {
    let sum = 0n;
    for (const { coef, summands, factors } of this.#bound) {
      let part = 0n;
      for (let k = 0; k < summands; k++) {
        let product = 1n;
        for (const f of factors) product *= BigInt(f.values[f.base + f.outer[entry] + f.inner[k]]);
        part += product;
      }
      sum += coef * part;
    }
    return sum;
  }
}

/** 64-bit values stay as they are; a scale whose values are all small is read as doubles. */
function narrowed(values: Values): Values {
  if (values instanceof Float64Array || values.length > 4096) return values;
  return values.every((v) => v < 2n ** 53n && v > -(2n ** 53n)) ? Float64Array.from(values, Number) : values;
}

/** A term in doubles, and the sum of the absolute values of its products: Infinity where doubles will not do. */
function numberTerm(t: BoundTerm, entry: number): [number, number] {
  const { factors, summands } = t;
  let sum = 0;
  let size = 0;
  if (factors.some((f) => !(f.values instanceof Float64Array))) return [0, Infinity];
  if (factors.length === 2) {
    const [a, b] = factors;
    const [va, vb] = [a.values as Float64Array, b.values as Float64Array];
    const [oa, ob] = [a.base + a.outer[entry], b.base + b.outer[entry]];
    const [ia, ib] = [a.inner, b.inner];
    for (let k = 0; k < summands; k++) {
      const product = va[oa + ia[k]] * vb[ob + ib[k]];
      sum += product;
      size += Math.abs(product);
    }
  } else {
    for (let k = 0; k < summands; k++) {
      let product = 1;
      for (const f of factors) product *= (f.values as Float64Array)[f.base + f.outer[entry] + f.inner[k]];
      sum += product;
      size += Math.abs(product);
    }
  }
  return [sum * t.number, size * Math.abs(t.number)];
}
