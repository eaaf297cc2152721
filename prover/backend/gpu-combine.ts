/** Linear combinations of committed columns and of power vectors, on the GPU. */
import { type Ext, add } from '../../protocol/extension.ts';
import { mul } from '../../protocol/field.ts';
import type { GpuEncoder } from './gpu-encoder.ts';
import { EXT_BYTES, type GpuCells, type GpuExtVec, type GpuVectors, extWords } from './gpu-vectors.ts';
import { type RootPowers, rootPowers } from './root-logs.ts';

/** Rows, or powers, that one thread computes. */
const PER_THREAD = 4;

/** `CodeOps.combineColumns`. */
export function combineColumns(
  vectors: GpuVectors,
  cells: GpuCells,
  logHeight: number,
  weights: readonly Ext[],
): GpuExtVec {
  const { queue } = vectors;
  const height = 2 ** logHeight;
  const out = vectors.zeros(height);
  const table = queue.acquire(weights.length * EXT_BYTES);
  queue.write(table, 0, extWords(weights));
  for (const part of vectors.pieces(out, 0, height))
    for (const chunk of vectors.pieces(cells, 0, cells.length)) {
      const first = Math.floor(chunk.done / height);
      const columns = Math.floor((chunk.done + chunk.count - 1) / height) - first + 1;
      const origin = first * height + part.done - chunk.done;
      const params = [logHeight, origin >>> 0, chunk.count, part.count, first, columns];
      const groups = queue.groupsFor(part.count / PER_THREAD, 64);
      queue.dispatch('combine-columns', groups, params, [table, chunk.buffer, part.buffer]);
    }
  queue.release(table);
  return out;
}

/** One transformed pair costs about as much as so many products of a power and its coefficient. */
const TRANSFORM_COST = 16;

/** `CodeOps.addPowers`, by a transform where the points are roots of unity and many enough for it to be cheaper. */
export function addPowers(
  vectors: GpuVectors,
  encoder: GpuEncoder,
  target: GpuExtVec,
  base: number,
  length: number,
  points: readonly bigint[],
  coefs: readonly Ext[],
): void {
  const { maxStorageBufferBindingSize } = vectors.queue.gpu.limits;
  const largest = Math.min((length * points.length) / TRANSFORM_COST, maxStorageBufferBindingSize / EXT_BYTES);
  const roots = largest >= 1 ? rootPowers(points, Math.floor(Math.log2(largest))) : null;
  if (roots === null) addPowerProducts(vectors, target, base, length, points, coefs);
  else addTransform(vectors, encoder, target, base, length, roots, coefs);
}

/** Σ_k coefs[k]·ω^(i·indices[k]) are the outputs i of the transform of a vector that has coefs[k] at indices[k]. */
function addTransform(
  vectors: GpuVectors,
  encoder: GpuEncoder,
  target: GpuExtVec,
  base: number,
  length: number,
  { logOrder, indices }: RootPowers,
  coefs: readonly Ext[],
): void {
  const { queue } = vectors;
  const entries = new Map<number, Ext>();
  indices.forEach((index, k) => {
    const sum = entries.get(index);
    entries.set(index, sum === undefined ? coefs[k] : add(sum, coefs[k]));
  });
  const data = queue.acquire(2 ** logOrder * EXT_BYTES);
  const places = queue.acquire(entries.size * 4);
  const values = queue.acquire(entries.size * EXT_BYTES);
  queue.write(places, 0, Uint32Array.from(entries.keys()));
  queue.write(values, 0, extWords([...entries.values()]));
  queue.clear(data, 0, 2 ** logOrder * EXT_BYTES);
  queue.dispatch('scatter', queue.groupsFor(entries.size, 64), [entries.size], [places, values, data]);
  encoder.transform(logOrder, data);
  // Powers repeat after 2^logOrder; the kernel reverses the lowest logOrder bits, whatever is above them.
  for (const { buffer, at, count, done } of vectors.pieces(target, base, length))
    queue.dispatch('add-reversed', queue.groupsFor(count, 64), [at, done, count, logOrder], [data, buffer]);
  for (const buffer of [data, places, values]) queue.release(buffer);
}

/** The powers come from two tables, z^i = z^(high·2^l)·z^low. */
function addPowerProducts(
  vectors: GpuVectors,
  target: GpuExtVec,
  base: number,
  length: number,
  points: readonly bigint[],
  coefs: readonly Ext[],
): void {
  if (length === 0 || points.length === 0) return;
  const { queue } = vectors;
  const logLow = Math.max(2, Math.ceil(Math.log2(length) / 2));
  const highs = Math.ceil(length / 2 ** logLow);
  const squares = queue.acquire(points.length * 32 * 8);
  queue.write(squares, 0, squareTable(points));
  const table = (size: number, first: number, scale: readonly Ext[]): GPUBuffer => {
    const scales = queue.acquire(points.length * EXT_BYTES);
    queue.write(scales, 0, extWords(scale));
    const out = queue.acquire(points.length * size * EXT_BYTES);
    const groups = queue.groupsFor(points.length * size, 64);
    queue.dispatch('power-table', groups, [points.length, size, first], [squares, scales, out]);
    queue.release(scales);
    return out;
  };
  const high = table(highs, logLow, coefs);
  const low = table(
    2 ** logLow,
    0,
    points.map(() => [1n, 0n]),
  );
  for (const { buffer, at, count, done } of vectors.pieces(target, base, length)) {
    const params = [at, done, count, points.length, highs, logLow];
    queue.dispatch('add-powers', queue.groupsFor(count / PER_THREAD + 1, 64), params, [high, low, buffer]);
  }
  for (const buffer of [squares, high, low]) queue.release(buffer);
}

/** z^(2^b) for each point and b < 32. */
function squareTable(points: readonly bigint[]): BigUint64Array {
  const table = new BigUint64Array(points.length * 32);
  points.forEach((point, k) => {
    for (let b = 0, power = point; b < 32; b++, power = mul(power, power)) table[32 * k + b] = power;
  });
  return table;
}
