/** Leaves, layers and folds of fractional sums on the GPU. */
import { ONE, type Ext } from '../../protocol/extension.ts';
import type { Cells, Fractions, LeafRegion } from './backend.ts';
import type { Binding } from './gpu-queue.ts';
import { extWords, gpuCells, gpuExt, type GpuExtVec, type GpuVectors } from './gpu-vectors.ts';
import { checkRegions, foldedFractionsLength } from './table-specs.ts';
import { VectorError } from './vector-error.ts';

/** Chunks of cells that leaves.wgsl can bind. */
const CELL_SLOTS = 4;
const NO_CELLS = 0xffffffff;

/** leaves.wgsl's numerators; a gap between regions has numerator zero and denominator one. */
const NUMERATOR = { zero: 0, one: 1, cells: 2, causal: 3 } as const;
type Region = Omit<LeafRegion, 'numerator'> & { readonly numerator: LeafRegion['numerator'] | 'zero' };

/** What lies between the regions, as regions. */
function withGaps(length: number, regions: readonly LeafRegion[]): Region[] {
  const all: Region[] = [];
  let end = 0;
  const gap = (to: number): void => {
    if (to > end) all.push({ start: end, length: to - end, constant: ONE, columns: [], numerator: 'zero' });
  };
  for (const region of regions.filter((r) => r.length > 0).toSorted((a, b) => a.start - b.start)) {
    gap(region.start);
    all.push(region);
    end = region.start + region.length;
  }
  gap(length);
  return all;
}

/** Cells that a region reads: value i is at base + (i >> shift). */
interface Source {
  readonly cells: Cells | null;
  readonly base: number;
  readonly shift: number;
}

function numeratorSource({ numerator }: Region): Source {
  if (typeof numerator === 'object' && 'cells' in numerator) return { ...numerator, shift: 0 };
  return { cells: null, base: 0, shift: 0 };
}

/** The region's first index after `i` at which a source leaves the chunk that it reads at `i`. */
function chunkEnd({ cells, base, shift }: Source, i: number): number {
  if (cells === null) return Infinity;
  const size = 2 ** gpuCells(cells).chunkLog;
  const next = (Math.floor((base + Math.floor(i / 2 ** shift)) / size) + 1) * size;
  return (next - base) * 2 ** shift;
}

/** Chunks bound for one piece, in order of first use. */
class Slots {
  readonly buffers: GPUBuffer[] = [];

  /** The slot and the base relative to its chunk of a source at index `i`. */
  place({ cells, base, shift }: Source, i: number): [number, number] {
    if (cells === null) return [NO_CELLS, 0];
    const { chunks, chunkLog } = gpuCells(cells);
    const k = Math.floor((base + Math.floor(i / 2 ** shift)) / 2 ** chunkLog);
    let slot = this.buffers.indexOf(chunks[k]);
    if (slot < 0) slot = this.buffers.push(chunks[k]) - 1;
    if (slot >= CELL_SLOTS)
      throw new VectorError('SHAPE', cells.length, `leaf reads over ${CELL_SLOTS} buffers at once`);
    return [slot, base - k * 2 ** chunkLog];
  }

  /** Buffers for all slots; those not in use get `other`, which is bound and not read. */
  bindings(other: Binding): Binding[] {
    return Array.from({ length: CELL_SLOTS }, (_, k) => this.buffers[k] ?? other);
  }
}

function numeratorKind({ numerator }: Region): [number, number] {
  if (typeof numerator === 'string') return [NUMERATOR[numerator], 0];
  return 'cells' in numerator ? [NUMERATOR.cells, 0] : [NUMERATOR.causal, numerator.causal];
}

/** Records the leaves of a region; a dispatch writes one chunk and reads one chunk of each column. */
function recordRegion(vectors: GpuVectors, p: GpuExtVec, q: GpuExtVec, region: Region): void {
  const { queue } = vectors;
  const sources: Source[] = [...region.columns, numeratorSource(region)];
  for (let i = 0; i < region.length;) {
    const limit = Math.min(region.length, ...sources.map((source) => chunkEnd(source, i)));
    const [piece] = vectors.pieces(p, region.start + i, limit - i);
    const chunk = p.chunks.indexOf(piece.buffer);
    const slots = new Slots();
    const table = new Uint32Array(Math.max(8, 8 * region.columns.length));
    region.columns.forEach((column, c) => {
      table.set([...slots.place(column, i), column.shift, 0, ...extWords([column.coef])], 8 * c);
    });
    const [kind, log] = numeratorKind(region);
    const place = slots.place(numeratorSource(region), i);
    const params = [...extWords([region.constant]), piece.at, i, piece.count, region.columns.length, ...place, log];
    const [columns] = queue.inline(table);
    const buffers = [columns, ...slots.bindings(columns), p.chunks[chunk], q.chunks[chunk]];
    queue.dispatch('leaves', queue.groupsFor(piece.count, 256), params, buffers, {
      SLOTS: slots.buffers.length <= 1 ? 1 : CELL_SLOTS,
      NUMERATOR: kind,
    });
    i += piece.count;
  }
}

export function leaves(vectors: GpuVectors, length: number, regions: readonly LeafRegion[]): Fractions {
  checkRegions(length, regions);
  const [p, q] = [vectors.ext(length), vectors.ext(length)];
  for (const region of withGaps(length, regions)) recordRegion(vectors, p, q, region);
  return { p, q, length };
}

/** Calls `record` for each chunk k of a layer whose result half fills a chunk: out chunk k >> 1, from `base` on. */
function eachHalf(layer: GpuExtVec, record: (k: number, length: number, base: number) => void): void {
  for (let k = 0; k < layer.chunks.length; k++) record(k, layer.chunkLength(k), (k % 2) * 2 ** (layer.chunkLog - 1));
}

export function layerUp(vectors: GpuVectors, layer: Fractions): Fractions {
  const { queue } = vectors;
  const length = Math.ceil(layer.length / 2);
  const [p, q, outP, outQ] = [gpuExt(layer.p), gpuExt(layer.q), vectors.ext(length), vectors.ext(length)];
  eachHalf(p, (k, count, base) => {
    const buffers = [p.chunks[k], q.chunks[k], outP.chunks[k >> 1], outQ.chunks[k >> 1]];
    queue.dispatch('layer-up', queue.groupsFor(count, 512), [count, base], buffers);
  });
  return { p: outP, q: outQ, length };
}

export function foldFractions(vectors: GpuVectors, state: Fractions, r: Ext): Fractions {
  const { queue } = vectors;
  const length = foldedFractionsLength(state.length);
  const [p, q, outP, outQ] = [gpuExt(state.p), gpuExt(state.q), vectors.ext(length), vectors.ext(length)];
  const words = extWords([r]);
  eachHalf(p, (k, count, base) => {
    const params = [...words, count, foldedFractionsLength(count), base];
    const buffers = [p.chunks[k], q.chunks[k], outP.chunks[k >> 1], outQ.chunks[k >> 1]];
    queue.dispatch('fold-fractions', queue.groupsFor(count, 512), params, buffers);
  });
  vectors.free(p, q);
  return { p: outP, q: outQ, length };
}
