/** Parameters of matrix.wgsl: one term of two factors as a batch of matrix products, in quads of rows, columns and k. */
import type { Term } from '../../protocol/program/relations.ts';
import { magnitude, type Axis } from '../../protocol/program/tensors.ts';
import {
  digits,
  entryStrides,
  isAligned,
  locate,
  summedAxes,
  type Digit,
  type Layer,
  type Place,
} from './gpu-index.ts';
import { NONE, bind, bindIf, words64, written, type Bound, type Ending, type Pass, type PassPlan } from './gpu-pass.ts';
import type { GpuStore } from './gpu-store.ts';

const DIGITS = 4;
/** First words of the digits of rows, columns and batch. */
const ROWS = 44;
const COLUMNS = ROWS + 8 * DIGITS;
const BATCH = COLUMNS + 8 * DIGITS;

/** A term as out[batch, row, column] = Σ_k a[batch, row, k]·b[batch, column, k]. */
export interface MatrixShape {
  readonly a: Place;
  readonly b: Place;
  /** Whether four values along k lie side by side; otherwise four along rows or columns do. */
  readonly aAlongK: boolean;
  readonly bAlongK: boolean;
  /** Strides in a, out, rem, entry of rows; b, out, rem, entry of columns; a, b, out, rem, entry of the batch; a, b of k. */
  readonly rows: readonly Digit[];
  readonly columns: readonly Digit[];
  readonly batch: readonly Digit[];
  readonly sum: readonly Digit[];
  /** Turns of four k after which the sum modulo 2^32 and its float32 estimate are joined. */
  readonly chunk: number;
}

/**
 * The longest chunk of products of magnitude `product` whose float32 sum is certainly within 2^31. Whichever way the
 * device rounds, each operation is off by at most 2^-23 of its result: converting the factors and multiplying (3), adding
 * c times, and taking the low word off (1) make at most (c + 4)·2^-23 of c products; c + 6 leaves room for second orders.
 */
export function chunkLength(product: bigint): number {
  let chunk = 0;
  while (chunk < 128 && BigInt(chunk + 1) * BigInt(chunk + 7) * product <= 1n << 54n) chunk++;
  return chunk;
}

const NOWHERE: ReadonlyMap<string, number> = new Map();
const strides = (list: readonly Digit[], place: number): number[] => list.map((d) => d.strides[place]);
const multiples = (values: readonly number[]): boolean => values.every((v) => v % 4 === 0);

/** Whether vec4s can be read: along k if the innermost k have stride 1, else along the innermost rows or columns. */
function direction(place: Place, own: number[], others: number[], sum: number[]): 'k' | 'own' | null {
  if (!isAligned(place) || !multiples(others)) return null;
  if (sum.at(-1) === 1 && multiples(sum.slice(0, -1)) && multiples(own)) return 'k';
  return own.at(-1) === 1 && multiples(own.slice(0, -1)) && multiples(sum) ? 'own' : null;
}

/** The term's shape as matrix products, or null where it is none or its sizes do not come in quads. */
export function matrixShape(
  store: GpuStore,
  term: Term,
  free: readonly Axis[],
  domain: readonly Axis[],
  layer: Layer,
  ending: Ending | null,
): MatrixShape | null {
  if (term.coef !== 1n || term.scale !== undefined || term.factors.length !== 2) return null;
  const [first, second] = term.factors;
  if (first.tensor.kind === 'onehot' || second.tensor.kind === 'onehot') return null;
  const places = term.factors.map((f) => locate(store, f, layer));
  if (places.some((place) => place.slot.wide || place.slot.unsigned)) return null;
  const chunk = Math.floor(chunkLength(magnitude(first.tensor) * magnitude(second.tensor)) / 4);
  if (chunk === 0) return null;
  const summed = summedAxes(term, domain, layer);
  const [p, q] = places;
  return shapeOf(p, q, free, summed, chunk, ending) ?? shapeOf(q, p, free, summed, chunk, ending);
}

/** The digits in another order, which their strides allow: one of a multiple of four, as `fits` wants it, comes last. */
function* ordersInQuads(list: readonly Digit[], fits: (digit: Digit) => boolean): Generator<Digit[]> {
  for (const last of list) if (last.size % 4 === 0 && fits(last)) yield [...list.filter((d) => d !== last), last];
}

/** Digits of the domain and the sum, in the places' own order. */
type Split = Pick<MatrixShape, 'rows' | 'columns' | 'batch' | 'sum'>;

function split(
  a: Place,
  b: Place,
  free: readonly Axis[],
  summed: readonly Axis[],
  ending: Ending | null,
): Split | null {
  const results = [...written(ending).map((place) => place?.strides ?? NOWHERE), entryStrides(free)];
  const has = (place: Place, axis: Axis): boolean => (place.strides.get(axis.name) ?? 0) !== 0;
  const axes = free.filter((axis) => axis.size > 1);
  const only = (inA: boolean): Axis[] => axes.filter((axis) => has(a, axis) === inA && has(b, axis) !== inA);
  const both = axes.filter((axis) => has(a, axis) === has(b, axis));
  const rows = digits(only(true), [a.strides, ...results]);
  const columns = digits(only(false), [b.strides, ...results]);
  const batch = digits(both, [a.strides, b.strides, ...results]);
  const sum = digits(summed, [a.strides, b.strides]);
  const fits = [rows, columns, batch].every((list) => list.length <= DIGITS) && (sum.length === 1 || sum.length === 2);
  return fits && sum[sum.length - 1].size % 4 === 0 ? { rows, columns, batch, sum } : null;
}

/** Puts rows and columns in an order in which four can be read and written at once. */
function shapeOf(
  a: Place,
  b: Place,
  free: readonly Axis[],
  summed: readonly Axis[],
  chunk: number,
  ending: Ending | null,
): MatrixShape | null {
  const whole = split(a, b, free, summed, ending);
  if (whole === null || !written(ending).every((place) => place === undefined || isAligned(place))) return null;
  const { batch, sum } = whole;
  // Which of out, rem and entry are written, four columns at a time.
  const results = [0, 1, 2].filter((r) => r === 2 || written(ending)[r] !== undefined);
  if (!results.every((r) => multiples([...strides(whole.rows, 1 + r), ...strides(batch, 2 + r)]))) return null;
  for (const columns of ordersInQuads(whole.columns, (d) => results.every((r) => d.strides[1 + r] === 1))) {
    const alongB = direction(b, strides(columns, 0), strides(batch, 1), strides(sum, 1));
    const others = results.flatMap((r) => strides(columns.slice(0, -1), 1 + r));
    if (alongB === null || !multiples(others)) continue;
    for (const rows of ordersInQuads(whole.rows, () => true)) {
      const alongA = direction(a, strides(rows, 0), strides(batch, 0), strides(sum, 0));
      if (alongA === null) continue;
      return { a, b, aAlongK: alongA === 'k', bAlongK: alongB === 'k', rows, columns, batch, sum, chunk };
    }
  }
  return null;
}

/** Digits whose innermost one counts quads. */
export function inQuads(list: readonly Digit[]): Digit[] {
  const last = list[list.length - 1];
  return [...list.slice(0, -1), { size: last.size / 4, strides: last.strides.map((s) => 4 * s) }];
}

/** A pass over the tiles of the products. */
export function matrixPass(plan: PassPlan, shape: MatrixShape): Pass {
  const { scratch, ending } = plan;
  const { a, b } = shape;
  const [rows, columns] = [inQuads(shape.rows), inQuads(shape.columns)];
  const count = (list: readonly Digit[]): number => list.reduce((n, d) => n * d.size, 1);
  const tiles = count(rows) * count(columns) * count(shape.batch);
  const [outer, inner] = shape.sum.length === 2 ? shape.sum : [{ size: 1, strides: [0, 0] }, shape.sum[0]];
  const params = new Uint32Array(BATCH + 8 * DIGITS);
  params.set(
    [tiles, count(columns), count(rows), shape.chunk, ending?.shift ?? 0, Number(ending?.negative ?? false)],
    0,
  );
  params.set([ending?.slot ?? 0, NONE], 6);
  params.set([...words64(ending?.min ?? 0n), ...words64(ending?.max ?? 0n)], 12);
  params.set(strides(shape.rows.slice(-1), 0).concat(shape.rows.at(-1)?.strides.slice(1) ?? []), 20);
  params.set([outer.size, inner.size / 4, strides(shape.columns.slice(-1), 0)[0]], 24);
  params.set([...outer.strides, ...inner.strides], 28);
  params.set([rows.length, columns.length, shape.batch.length], 32);
  params.set([plan.adds, ending !== null, written(ending)[1] !== undefined].map(Number), 36);
  params.set([shape.aAlongK, shape.bAlongK].map(Number), 40);
  const put = (list: readonly Digit[], at: number): void =>
    list.forEach((d, i) => params.set([d.size, ...d.strides], at + 8 * i));
  put(rows, ROWS);
  put(columns, COLUMNS);
  put(shape.batch, BATCH);
  const { queue } = scratch.store;
  return {
    record(step, probe) {
      const words = params.slice();
      const factors = [a, b].map((place) => bind(place, step));
      const results = written(ending).map((place) => bindIf(place, step));
      words[7] = probe?.entry ?? NONE;
      words[39] = Number(probe !== undefined);
      words.set(words64(plan.bias(step)), 8);
      words.set(
        [...factors, ...results].map((bound) => bound?.base ?? 0),
        16,
      );
      const sums = plan.adds || ending === null ? scratch.sums(plan.which) : scratch.unused(1);
      const orUnused = (bound: Bound | undefined, i: 2 | 3): GPUBuffer => bound?.buffer ?? scratch.unused(i);
      const buffers = [...factors.map((f) => f.buffer), sums, orUnused(results[0], 2), orUnused(results[1], 3)];
      buffers.push(scratch.flags);
      queue.dispatch('train/matrix', queue.groupsFor(tiles, 64), words, buffers);
    },
  };
}
