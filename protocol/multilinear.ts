/** Multilinear extensions: equality weights and evaluations. Variable i ↔ index bit i. */
import { P, inverse as finverse } from './field.ts';
import { ONE, ZERO, add, mul, scale, sub, type Ext } from './extension.ts';

/** eq(point, i) for i < 2^point.length. */
export function eqTable(point: readonly Ext[], factor: Ext = ONE): Ext[] {
  let table: Ext[] = [factor];
  for (let k = point.length - 1; k >= 0; k--) {
    const r = point[k];
    const next = new Array<Ext>(table.length * 2);
    for (let i = 0; i < table.length; i++) {
      const t = table[i];
      const high = mul(t, r);
      next[2 * i] = sub(t, high);
      next[2 * i + 1] = high;
    }
    table = next;
  }
  return table;
}

/** eq(point, i) for start ≤ i < start + count. Cost about 2·count + 2·point.length products. */
export function eqRange(point: readonly Ext[], start: number, count: number): Ext[] {
  if (count === 0) return [];
  const end = start + count - 1;
  let first = 0;
  let table: Ext[] = [ONE];
  for (let k = point.length - 1; k >= 0; k--) {
    const r = point[k];
    const low = Math.floor(start / 2 ** k);
    const high = Math.floor(end / 2 ** k);
    const next: Ext[] = [];
    for (let i = low; i <= high; i++) {
      const t = table[Math.floor(i / 2) - first];
      next.push(i % 2 === 1 ? mul(t, r) : sub(t, mul(t, r)));
    }
    first = low;
    table = next;
  }
  return table;
}

/** Σ eq(point, i) for i < count ≤ 2^point.length, in at most two products a variable. */
export function eqSum(point: readonly Ext[], count: number): Ext {
  if (count === 2 ** point.length) return ONE;
  let sum = ZERO;
  // eq of the bits of `count` above k
  let prefix = ONE;
  for (let k = point.length - 1; k >= 0; k--) {
    const high = mul(prefix, point[k]);
    const low = sub(prefix, high);
    const bit = Math.floor(count / 2 ** k) % 2 === 1;
    if (bit) sum = add(sum, low);
    prefix = bit ? high : low;
  }
  return sum;
}

/** eq(a, b) = Π (a_i·b_i + (1−a_i)(1−b_i)); the points have one length. */
export function eqPoints(a: readonly Ext[], b: readonly Ext[]): Ext {
  let out = ONE;
  for (let i = 0; i < a.length; i++) {
    const x = a[i];
    const y = b[i];
    const xy = mul(x, y);
    out = mul(out, add(sub(sub(ONE, x), y), add(xy, xy)));
  }
  return out;
}

/** Σ_i a_i·b_i. */
export function dot(a: readonly Ext[], b: readonly Ext[]): Ext {
  let x = 0n;
  let y = 0n;
  for (let i = 0; i < a.length; i++) {
    const p = mul(a[i], b[i]);
    x += p[0];
    y += p[1];
  }
  return [x % P, y % P];
}

/** Evaluation of a table (zero beyond its length) at a point. */
export function evaluate(table: readonly Ext[], point: readonly Ext[]): Ext {
  return dot(table, eqRange(point, 0, table.length));
}

/** Lagrange coefficients at x for the nodes 0 … count−1. */
export function lagrange(count: number, x: Ext): Ext[] {
  return Array.from({ length: count }, (_, i) => {
    let out = ONE;
    for (let j = 0; j < count; j++) if (j !== i) out = mul(scale(out, inverseOf(i - j)), sub(x, [BigInt(j), 0n]));
    return out;
  });
}

/** Value at x of the polynomial through (0, values[0]), (1, values[1]), … */
export function interpolate(values: readonly Ext[], x: Ext): Ext {
  return dot(values, lagrange(values.length, x));
}

const inverses = new Map<number, bigint>();
function inverseOf(n: number): bigint {
  let value = inverses.get(n);
  if (value === undefined) {
    value = finverse(n < 0 ? P + BigInt(n) : BigInt(n));
    inverses.set(n, value);
  }
  return value;
}

/**
 * Σ_i eq(point, start + i)·values[i] for 32-bit integers. The inner sums run over doubles, exactly: 22-bit limbs of the
 * weights times values of `bits` bits, 2^(31 − bits) at a time, stay within 53 bits.
 */
export function evaluateIntegers(values: Int32Array, start: number, point: readonly Ext[]): Ext {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  const bits = Math.ceil(Math.log2(largest + 1));
  const lowBits = Math.min(10, 31 - bits, point.length);
  const width = 2 ** lowBits;
  const low = eqTable(point.slice(0, lowBits));
  const limbs = limbsOf(low);
  const first = Math.floor(start / width);
  const rows = Math.floor((start + values.length - 1) / width) - first + 1;
  const high = eqRange(point.slice(lowBits), first, values.length === 0 ? 0 : rows);
  return weighRows(high, (row) => limbDot(limbs, values, (first + row) * width - start, width));
}

/**
 * Σ_ij outer[i]·inner[j]·values[i·inner.length + j], by the same sums over doubles.
 * @param inner at most 2^(31 − bits) weights for values of `bits` bits
 */
export function contractIntegers(values: Int32Array, outer: readonly Ext[], inner: readonly Ext[]): Ext {
  return contractRows(values, outer, innerWeights(inner));
}

/** Inner weights of many contractions, prepared. */
export interface InnerWeights {
  readonly count: number;
  /** Three 22-bit limbs of each coordinate. */
  readonly limbs: readonly Float64Array[];
}

export function innerWeights(inner: readonly Ext[]): InnerWeights {
  return { count: inner.length, limbs: limbsOf(inner) };
}

/** `contractIntegers` with weights that are used again. */
export function contractRows(values: Int32Array, outer: readonly Ext[], { count, limbs }: InnerWeights): Ext {
  return weighRows(outer, (row) => limbDot(limbs, values, row * count, count));
}

function weighRows(weights: readonly Ext[], sumOf: (row: number) => Ext): Ext {
  let x = 0n;
  let y = 0n;
  weights.forEach((h, row) => {
    const inner = sumOf(row);
    x += h[0] * inner[0] + 7n * h[1] * inner[1];
    y += h[0] * inner[1] + h[1] * inner[0];
  });
  return [((x % P) + P) % P, ((y % P) + P) % P];
}

/** Three 22-bit limbs of each coordinate. */
function limbsOf(table: readonly Ext[]): Float64Array[] {
  const out = Array.from({ length: 6 }, () => new Float64Array(table.length));
  table.forEach((w, i) => {
    for (let k = 0; k < 6; k++)
      (out[k] as Float64Array)[i] = Number((w[k < 3 ? 0 : 1] >> BigInt(22 * (k % 3))) & 0x3fffffn);
  });
  return out;
}

function limbDot(limbs: readonly Float64Array[], values: Int32Array, from: number, width: number): Ext {
  const begin = Math.max(0, -from);
  const end = Math.min(width, values.length - from);
  const [a, b, c, d, e, f] = limbs;
  let [sa, sb, sc, sd, se, sf] = [0, 0, 0, 0, 0, 0];
  for (let i = begin; i < end; i++) {
    const v = values[from + i];
    sa += a[i] * v;
    sb += b[i] * v;
    sc += c[i] * v;
    sd += d[i] * v;
    se += e[i] * v;
    sf += f[i] * v;
  }
  const join = (x: number, y: number, z: number): bigint => (BigInt(x) + (BigInt(y) << 22n) + (BigInt(z) << 44n)) % P;
  return [join(sa, sb, sc), join(sd, se, sf)];
}
