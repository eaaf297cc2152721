/** Softmax and SiLU by the protocol's tables. */
import { expTable, siluTables, ACTIVATION_BITS, type ExpTable } from '../../protocol/program/exp.ts';
import type { SiluOp, SoftmaxOp } from '../../protocol/program/relations.ts';
import { sizeOf, type Tensor } from '../../protocol/program/tensors.ts';
import { access, origin, type Domain } from './evaluate.ts';
import { RangeOverflowError } from './errors.ts';
import type { Store } from './store.ts';
import { Writer, whole, type Runner } from './writer.ts';

/** T(u), u ≤ 1; 0 below the table. */
function entryOf(table: ExpTable, u: number): number {
  return u < table.lowest ? 0 : table.values[u - table.lowest];
}

/**
 * The smallest integer μ with Σ T(score − μ) ≤ 2^P, by bisection: the sum never rises with μ. T(1) > 2^P, so μ is at
 * least the largest score.
 */
export function softmaxShift(scores: ArrayLike<number>, table: ExpTable, bits: number): number {
  const top = 2 ** bits;
  const fits = (mu: number): boolean => {
    let sum = 0;
    for (let j = 0; j < scores.length; j++) sum += entryOf(table, scores[j] - mu);
    return sum <= top;
  };
  let low = -Infinity;
  for (let j = 0; j < scores.length; j++) low = Math.max(low, scores[j]);
  if (fits(low)) return low;
  let width = 1;
  while (!fits(low + width)) width *= 2;
  let high = low + width;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Runs an operation over the rows of `score`; see SoftmaxOp. */
export function softmaxRunner(op: SoftmaxOp, domain: Domain): Runner {
  const table = expTable(op.bits);
  const last = op.score.axes[op.score.axes.length - 1];
  const before = domain.free[domain.free.length - 1];
  const square: Domain = { free: [...domain.free, last], held: domain.held };
  const rows = sizeOf(domain.free);
  const scoreAt = access(whole(op.score), square);
  const writer = (tensor: Tensor): Writer => new Writer(whole(tensor), square);
  const [writeP, writeNext] = [writer(op.p), writer(op.next)];
  const writeShifted = op.shifted === null ? null : writer(op.shifted);
  const [writeMu, writeUnder, writeOver] = [op.mu, op.under, op.over].map((t) => new Writer(whole(t), domain));
  const top = 2 ** op.bits;
  return (store, held) => {
    const scores = store.of(op.score) as Float64Array;
    const base = origin(scoreAt, held);
    const [p, next, shifted] = [writeP, writeNext, writeShifted].map((w) => w?.bind(store, held));
    const [mu, under, over] = [writeMu, writeUnder, writeOver].map((w) => w.bind(store, held));
    const lowest = lowestKey(store, op);
    for (let row = 0; row < rows; row++) {
      const count = op.causal ? (row % before.size) + 1 : last.size;
      const first = row * last.size;
      const live = Float64Array.from({ length: count }, (_, j) => scores[base + scoreAt.outer[first + j]]);
      const shift = softmaxShift(live, table, op.bits);
      mu(row, shift);
      let [sum, sumNext] = [0, 0];
      for (let j = 0; j < last.size; j++) {
        const counted = j < count;
        const u = counted ? live[j] - shift : 0;
        if (u < lowest) throw beyondTable(op, first + j, u, lowest, held['step'], held['layer'] ?? null);
        const value = counted ? entryOf(table, u) : 0;
        const above = counted ? entryOf(table, u + 1) : 0;
        shifted?.(first + j, u);
        p?.(first + j, value);
        next?.(first + j, above);
        sum += value;
        sumNext += above;
      }
      under(row, top - sum);
      over(row, sumNext - top - 1);
    }
  };
}

/** The lowest key of the table: that of `shifted`, or the declared spread. */
function lowestKey(store: Store, op: SoftmaxOp): number {
  return op.shifted === null ? 1 - 2 ** store.widths.spread : Number(op.shifted.min);
}

function beyondTable(
  op: SoftmaxOp,
  entry: number,
  u: number,
  lowest: number,
  step: number,
  layer: number | null,
): Error {
  const tensor = op.shifted === null ? `${op.name}.key` : op.shifted.name;
  return new RangeOverflowError({
    tensor,
    layer,
    step,
    index: [entry],
    value: BigInt(u),
    min: BigInt(lowest),
    max: 0n,
  });
}

/** value = silu(x) and slope = silu'(x), in closed form outside the table. */
export function siluRunner(op: SiluOp, domain: Domain): Runner {
  const { bound, silu, dsilu } = siluTables();
  const unit = 2 ** ACTIVATION_BITS;
  const xAt = access(whole(op.x), domain);
  const [writeValue, writeSlope] = [op.value, op.slope].map((t) => new Writer(whole(t), domain));
  const entries = sizeOf(domain.free);
  return (store, held) => {
    const xs = store.of(op.x) as Float64Array;
    const base = origin(xAt, held);
    const [value, slope] = [writeValue.bind(store, held), writeSlope.bind(store, held)];
    for (let e = 0; e < entries; e++) {
      const x = xs[base + xAt.outer[e]];
      const inside = x >= -bound && x < bound;
      value(e, inside ? silu[x + bound] : Math.max(x, 0));
      slope(e, inside ? dsilu[x + bound] : x > 0 ? unit : 0);
    }
  };
}
