/** Parameters of matrix.wgsl: one term of two factors as a batch of matrix products. */
import type { Term } from '../../protocol/program/relations.ts';
import { magnitude, sizeOf, type Axis } from '../../protocol/program/tensors.ts';
import type { PassPlan } from './gpu-contract.ts';
import { digits, entryStrides, locate, offsets, summedAxes, type Digit, type Layer, type Place } from './gpu-index.ts';
import { NONE, bind, words64, type Pass } from './gpu-pass.ts';
import type { GpuStore } from './gpu-store.ts';

const BATCH_DIGITS = 4;
const ROW_DIGITS = 6;
/** First words of the digits of the batch and of the rows. */
const BATCH = 24;
const ROWS = BATCH + 8 * BATCH_DIGITS;

/** A term as out[batch, row, column] = Σ_k a[batch, row, k]·b[batch, column, k]. */
export interface MatrixShape {
  readonly a: Place;
  readonly b: Place;
  readonly batch: readonly Axis[];
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly summed: readonly Axis[];
  /** Indices k after which the sum modulo 2^32 and its float32 estimate are joined. */
  readonly chunk: number;
}

/**
 * The longest chunk of products of magnitude `product` whose float32 sum is certainly within 2^30: every product and
 * every partial sum is off by at most 2^-23 of its size, whichever way the device rounds.
 */
export function chunkLength(product: bigint): number {
  let chunk = 0;
  while (chunk < 128 && BigInt(chunk + 1) * BigInt(chunk + 7) * product < 1n << 53n) chunk++;
  return chunk;
}

/** The term's shape as matrix products, or null where it is none or too small to be worth it. */
export function matrixShape(
  store: GpuStore,
  term: Term,
  free: readonly Axis[],
  domain: readonly Axis[],
  layer: Layer,
): MatrixShape | null {
  if (term.coef !== 1n || term.scale !== undefined || term.factors.length !== 2) return null;
  if (term.factors.some((f) => f.tensor.kind === 'onehot')) return null;
  const [p, q] = term.factors.map((f) => locate(store, f, layer));
  if ([p, q].some((place) => place.slot.wide || place.slot.unsigned)) return null;
  const summed = summedAxes(term, domain, layer);
  const [first, second] = term.factors;
  const chunk = chunkLength(magnitude(first.tensor) * magnitude(second.tensor));
  if (chunk < 4 || sizeOf(summed) < 4) return null;
  const shapes = [
    [p, q],
    [q, p],
  ].map(([a, b]): MatrixShape => {
    const axes = free.filter((axis) => axis.size > 1);
    const only = (axis: Axis, x: Place, y: Place): boolean => x.strides.has(axis.name) && !y.strides.has(axis.name);
    return {
      a,
      b,
      rows: axes.filter((axis) => only(axis, a, b)),
      columns: axes.filter((axis) => only(axis, b, a)),
      batch: axes.filter((axis) => a.strides.has(axis.name) === b.strides.has(axis.name)),
      summed,
      chunk,
    };
  });
  const best = sizeOf(shapes[0].rows) >= sizeOf(shapes[1].rows) ? shapes[0] : shapes[1];
  const fits = best.batch.length <= BATCH_DIGITS && best.rows.length <= ROW_DIGITS;
  return fits && sizeOf(best.columns) >= 3 && sizeOf(best.rows) >= 8 ? best : null;
}

function interleave(columns: readonly Uint32Array[]): Uint32Array {
  const out = new Uint32Array(columns[0].length * columns.length);
  columns.forEach((column, c) => column.forEach((v, i) => (out[i * columns.length + c] = v)));
  return out;
}

/** A pass over the tiles of the products. */
export function matrixPass(plan: PassPlan, shape: MatrixShape): Pass {
  const { scratch, ending, free } = plan;
  const { a, b, rows, columns, batch, summed } = shape;
  const entry = entryStrides(free);
  const nowhere: ReadonlyMap<string, number> = new Map();
  const out = ending?.out.strides ?? nowhere;
  const rem = ending?.rem?.strides ?? nowhere;
  const n = sizeOf(columns);
  const quads = n > 8 ? 4 : n > 4 ? 2 : 1;
  const tilesOfN = Math.ceil(n / (4 * quads));
  const tiles = tilesOfN * Math.ceil(sizeOf(rows) / 64) * sizeOf(batch);
  const params = new Uint32Array(ROWS + 8 * ROW_DIGITS);
  const put = (list: readonly Digit[], at: number): void =>
    list.forEach((d, i) => params.set([d.size, ...d.strides], at + 8 * i));
  const rowDigits = digits(rows, [a.strides, out, rem, entry]);
  const batchDigits = digits(batch, [a.strides, b.strides, out, rem, entry]);
  put(batchDigits, BATCH);
  put(rowDigits, ROWS);
  params.set([sizeOf(rows), n, sizeOf(summed), shape.chunk, rowDigits.length, batchDigits.length, tilesOfN, tiles], 0);
  const places = interleave(offsets(columns, [b.strides, out, rem, entry]));
  params.set([scratch.table(places), scratch.table(interleave(offsets(summed, [a.strides, b.strides])))], 8);
  params.set([ending?.slot ?? 0, NONE, 0, 0, ending?.shift ?? 0, Number(ending?.negative ?? false)], 10);
  params.set([...words64(ending?.min ?? 0n), ...words64(ending?.max ?? 0n)], 16);
  const constants = {
    V: quads,
    ACC: Number(plan.adds),
    FINAL: Number(ending !== null),
    REM: Number(ending?.rem != null),
  };
  const { queue } = scratch.store;
  return {
    record(step, probe) {
      const words = params.slice();
      const [from, by] = [bind(a, step), bind(b, step)];
      const to = ending === null ? null : bind(ending.out, step);
      const rest = ending?.rem == null ? null : bind(ending.rem, step);
      words[11] = probe !== undefined && probe.result === 0 ? probe.entry : NONE;
      words.set(words64(plan.bias(step)), 12);
      words.set([from.base, by.base, to?.base ?? 0, rest?.base ?? 0], 20);
      const sums = plan.adds || ending === null ? scratch.sums(plan.which) : scratch.unused(1);
      const bindings = [from.buffer, by.buffer, scratch.tables, sums];
      bindings.push(to?.buffer ?? scratch.unused(2), rest?.buffer ?? scratch.unused(3), scratch.flags);
      queue.dispatch('train/matrix', queue.groupsFor(tiles, 1), words, bindings, constants);
    },
  };
}
