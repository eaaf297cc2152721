/** Tables of the factors and weights of products, on the device. */
import { ONE, ZERO, add, isZero, lift, mul, scale, type Ext } from '../../protocol/extension.ts';
import type { Factor, KeptAxis, Product } from '../../protocol/arguments/plan.ts';
import type { Circuit } from '../../protocol/program/circuit.ts';
import { evenPart, stackStrides, type AxisDigit, type Placement } from '../../protocol/program/layout.ts';
import {
  log2Ceil,
  type Axis,
  type Operand,
  type PublicTensor,
  type Tensor,
  type TensorPart,
} from '../../protocol/program/tensors.ts';
import {
  ONES,
  digitWeight,
  loTable,
  weightSum,
  weightVector,
  type AxisWeight,
} from '../../protocol/program/weights.ts';
import type { Backend, BindPart, Digit, ExtVec } from '../backend/backend.ts';
import type { OracleCells } from './lookup.ts';

/** Token ids of the segment, row-major [step, row, token], by one-hot tensor's name. */
export type TokenIds = ReadonlyMap<string, Int32Array>;

export interface FactorSource {
  readonly backend: Backend;
  readonly circuit: Circuit;
  readonly oracles: OracleCells;
  readonly tokens: TokenIds;
}

/**
 * Digits of a kept axis, lowest first, with the stride each has in the axis's own index. A factor without the axis is
 * constant along it, at padded indices too, as its multilinear extension is.
 */
function keptDigits(kept: KeptAxis, present: boolean): { digit: Digit; stride: number }[] {
  const { axis, bits } = kept;
  if (!present) return bits > 0 ? [{ digit: { size: 2 ** bits, bits }, stride: 0 }] : [];
  const even = axis.short ? 1 : evenPart(axis.size);
  const low = log2Ceil(even);
  const digits = [{ digit: { size: even, bits: low }, stride: 1 }];
  if (axis.size > even) digits.push({ digit: { size: axis.size / even, bits: bits - low }, stride: even });
  return digits.filter((d) => d.digit.bits > 0);
}

interface CellUse {
  readonly kept: KeptAxis | null;
  readonly offset: number;
  readonly weight: AxisWeight;
}

/** How each axis of a part's cells is used, and the factor of tensor axes that the cells lack. */
function cellUses(tensor: Tensor, part: TensorPart, factor: Factor): { uses: Map<string, CellUse>; coef: Ext } {
  const uses = new Map<string, CellUse>();
  let coef = lift(part.coef);
  const own = new Set(part.cells.axes.map((a) => a.name));
  tensor.axes.forEach((axis, i) => {
    const use = factor.uses[i];
    if (use.kind === 'kept') {
      if (!own.has(axis.name) || part.slice?.axis === axis.name)
        throw new RangeError(`a product keeps axis ${axis.name} of ${tensor.name}, whose cells are split along it`);
      uses.set(axis.name, { kept: use.kept, offset: use.offset, weight: ONES });
      return;
    }
    const slice = part.slice?.axis === axis.name ? part.slice : null;
    if (slice === null) {
      if (own.has(axis.name)) uses.set(axis.name, { kept: null, offset: 0, weight: use.weight });
      else coef = mul(coef, weightSum(axis, use.weight));
      return;
    }
    const values = weightVector(axis, use.weight).slice(slice.start, slice.start + slice.count);
    if (own.has(axis.name)) uses.set(axis.name, { kept: null, offset: 0, weight: { kind: 'vector', values } });
    else coef = mul(coef, values[0]);
  });
  return { uses, coef };
}

/** Strides of a placement's digits by axis name and stride inside the axis. */
function digitStrides(placement: Placement): Map<string, { digit: AxisDigit; step: number }[]> {
  const strides = stackStrides(placement);
  const out = new Map<string, { digit: AxisDigit; step: number }[]>();
  const push = (digit: AxisDigit, step: number): void => {
    out.set(digit.axis.name, [...(out.get(digit.axis.name) ?? []), { digit, step }]);
  };
  placement.hi.forEach((d, k) => push(d, strides.hi[k]));
  placement.lo.forEach((d, k) => push(d, strides.lo[k]));
  return out;
}

/** One bind of one part of a tensor over a product's kept axes. */
function bindPart(
  source: FactorSource,
  tensor: Tensor,
  part: TensorPart,
  factor: Factor,
  kept: readonly KeptAxis[],
): ExtVec {
  const placement = source.circuit.placement(part.cells);
  const { uses, coef } = cellUses(tensor, part, factor);
  const strides = digitStrides(placement);
  let base = placement.base;
  const keptParts = kept.flatMap((k) => {
    const name = [...uses].find(([, u]) => u.kept === k)?.[0];
    const digits = name === undefined ? [] : (strides.get(name) ?? []);
    if (name !== undefined)
      base += (uses.get(name) as CellUse).offset * (digits.find((d) => d.digit.stride === 1)?.step ?? 0);
    return keptDigits(k, name !== undefined).map(({ digit, stride }) => {
      return { digit, step: digits.find((d) => d.digit.stride === stride)?.step ?? 0 };
    });
  });
  const bound: { digit: Digit; step: number; table: readonly Ext[] }[] = [];
  let factorCoef = coef;
  for (const axis of part.cells.axes) {
    const use = uses.get(axis.name) as CellUse;
    if (use.kept !== null) continue;
    const digits = strides.get(axis.name) ?? [];
    if (digits.length === 0) factorCoef = mul(factorCoef, weightSum(axis, use.weight));
    for (const { digit, step } of digits) {
      const bits = log2Ceil(digit.size);
      const weight = digitWeight(digit, use.weight);
      const table = digit.axis.short || digit.stride > 1 ? digitVector(digit, weight) : loTableOf(digit, weight);
      bound.push({ digit: { size: digit.size, bits }, step, table });
    }
  }
  const parts: BindPart[] = [
    {
      cells: source.oracles[part.cells.oracle],
      coef: factorCoef,
      base,
      keptStrides: keptParts.map((k) => k.step),
      boundStrides: bound.map((b) => b.step),
    },
  ];
  return source.backend.bind({
    kept: keptParts.map((k) => k.digit),
    bound: bound.map((b) => b.digit),
    weights: flatten(bound),
    parts,
  });
}

function digitVector(digit: AxisDigit, weight: AxisWeight): readonly Ext[] {
  return weightVector({ name: digit.axis.name, size: digit.size, short: true }, weight);
}

function loTableOf(digit: AxisDigit, weight: AxisWeight): readonly Ext[] {
  return digit.size === evenPart(digit.size) ? loTable(digit, weight) : digitVector(digit, weight);
}

/** Product weights over all bound digits, first digit lowest, padded to powers of two by zeros. */
function flatten(bound: readonly { digit: Digit; table: readonly Ext[] }[]): Ext[] {
  return bound.reduce<Ext[]>(
    (out, { digit, table }) => {
      const next: Ext[] = [];
      for (let i = 0; i < 2 ** digit.bits; i++) {
        const w = table[i] ?? ZERO;
        for (const o of out) next.push(isZero(w) ? ZERO : mul(o, w));
      }
      return next;
    },
    [ONE],
  );
}

/** The table of a factor over the product's index; zero at padded indices. */
export function factorTable(source: FactorSource, factor: Factor, product: Product): ExtVec {
  const { tensor } = factor.operand;
  const { backend } = source;
  if (tensor.kind === 'public') return backend.uploadExt(publicTable(tensor, factor, product));
  if (tensor.kind === 'onehot') return backend.uploadExt(oneHotTable(source, factor, product));
  const tables = tensor.parts.map((part) => bindPart(source, tensor, part, factor, product.kept));
  const target = tables[0];
  for (const other of tables.slice(1)) {
    backend.addScaled(target, 0, other, ONE);
    backend.free(other);
  }
  if (tensor.offset !== 0n) {
    const bound = tensor.axes.reduce((s, a, i) => {
      const use = factor.uses[i];
      return use.kind === 'bound' ? mul(s, weightSum(a, use.weight)) : s;
    }, lift(tensor.offset));
    const own = new Set(factor.uses.flatMap((u) => (u.kind === 'kept' ? [u.kept] : [])));
    const digits = product.kept.flatMap((k) => keptDigits(k, own.has(k)).map((d) => d.digit));
    const none = digits.map(() => 0);
    const part: BindPart = { cells: null, coef: bound, base: 0, keptStrides: none, boundStrides: [] };
    const constant = backend.bind({ kept: digits, bound: [], weights: [ONE], parts: [part] });
    backend.addScaled(target, 0, constant, ONE);
    backend.free(constant);
  }
  return target;
}

/** Position inside the product's index of each index of an operand's axis, or its weight where it is summed away. */
function axisTables(operand: Operand, factor: Factor): { at: Int32Array | null; weights: readonly Ext[] | null }[] {
  return operand.tensor.axes.map((axis: Axis, i) => {
    const use = factor.uses[i];
    if (use.kind === 'bound') return { at: null, weights: weightVector(axis, use.weight) };
    if (use.offset !== 0) throw new RangeError(`axis ${axis.name} of ${operand.tensor.name} is shifted in a product`);
    return { at: Int32Array.from({ length: axis.size }, (_, k) => k * 2 ** use.kept.at), weights: null };
  });
}

function requireAllKept(factor: Factor, product: Product): void {
  const own = new Set(factor.uses.flatMap((u) => (u.kind === 'kept' ? [u.kept.axis.name] : [])));
  if (product.kept.some((k) => !own.has(k.axis.name)))
    throw new RangeError(`${factor.operand.tensor.name} lacks an axis of its product`);
}

function publicTable(tensor: PublicTensor, factor: Factor, product: Product): Ext[] {
  requireAllKept(factor, product);
  const out = new Array<Ext>(2 ** product.bits).fill(ZERO);
  const tables = axisTables(factor.operand, factor);
  let at = 0;
  const walk = (depth: number, index: number, weight: Ext): void => {
    const table = tables[depth];
    if (table === undefined) {
      const value = tensor.values[at++];
      if (value !== 0) out[index] = add(out[index], scale(weight, lift(BigInt(value))[0]));
      return;
    }
    const { size } = tensor.axes[depth];
    for (let i = 0; i < size; i++)
      walk(depth + 1, index + (table.at?.[i] ?? 0), table.weights === null ? weight : mul(weight, table.weights[i]));
  };
  walk(0, 0, ONE);
  return out;
}

function oneHotTable(source: FactorSource, factor: Factor, product: Product): Ext[] {
  requireAllKept(factor, product);
  const { tensor } = factor.operand;
  const ids = source.tokens.get(tensor.name);
  const tables = axisTables(factor.operand, factor);
  const vocab = tables.pop()?.at;
  if (ids === undefined || vocab === undefined || vocab === null)
    throw new RangeError(`no token ids for ${tensor.name}`);
  const out = new Array<Ext>(2 ** product.bits).fill(ZERO);
  let token = 0;
  const walk = (depth: number, index: number, weight: Ext): void => {
    const table = tables[depth];
    if (table === undefined) {
      const at = index + vocab[ids[token++]];
      out[at] = add(out[at], weight);
      return;
    }
    const { size } = tensor.axes[depth];
    for (let i = 0; i < size; i++)
      walk(depth + 1, index + (table.at?.[i] ?? 0), table.weights === null ? weight : mul(weight, table.weights[i]));
  };
  walk(0, 0, ONE);
  return out;
}

/** The product's weight over its index; null when it has none. */
export function weightTable(backend: Backend, product: Product): ExtVec | null {
  if (product.weight.length === 0) return null;
  const vectors = product.kept.map((k): { bits: number; values: readonly Ext[] } => {
    // An axis without a weight has ones at padded indices too, as the verifier's extension does; factors vanish there.
    const weight = product.weight.find((w) => w.kept === k)?.weight;
    return {
      bits: k.bits,
      values: weight === undefined ? new Array<Ext>(2 ** k.bits).fill(ONE) : weightVector(k.axis, weight),
    };
  });
  // Two halves of the index, so that the host expands only about the square root of the table.
  const lowCount =
    vectors.findIndex((_, i) => vectors.slice(0, i + 1).reduce((n, v) => n + v.bits, 0) * 2 >= product.bits) + 1;
  const expand = (list: typeof vectors): Ext[] =>
    flatten(list.map((v) => ({ digit: { size: v.values.length, bits: v.bits }, table: v.values })));
  const lo = expand(vectors.slice(0, lowCount));
  const hi = expand(vectors.slice(lowCount));
  const table = backend.zeros(2 ** product.bits);
  backend.addOuter(table, 0, hi, lo);
  return table;
}
