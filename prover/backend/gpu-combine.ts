/** Linear combinations of committed columns and of power vectors, on the GPU. */
import type { Ext } from '../../protocol/extension.ts';
import { mul } from '../../protocol/field.ts';
import { EXT_BYTES, type GpuCells, type GpuExtVec, type GpuVectors, extWords } from './gpu-vectors.ts';

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
  const table = vectors.uploadExt(weights);
  for (const part of vectors.pieces(out, 0, height))
    for (const chunk of vectors.pieces(cells, 0, cells.length)) {
      const first = Math.floor(chunk.done / height);
      const columns = Math.floor((chunk.done + chunk.count - 1) / height) - first + 1;
      const origin = first * height + part.done - chunk.done;
      const params = [logHeight, origin >>> 0, chunk.count, part.count, first, columns];
      const groups = queue.groupsFor(part.count / PER_THREAD, 64);
      queue.dispatch('combine-columns', groups, params, [table.chunks[0], chunk.buffer, part.buffer]);
    }
  vectors.free(table);
  return out;
}

/** `CodeOps.addPowers`: the powers come from two tables, z^i = z^(high·2^l)·z^low. */
export function addPowers(
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
