/** The sumcheck side on the GPU. Every method but the rounds and downloads only records work. */
import { ONE, type Ext } from '../../protocol/extension.ts';
import type { BindSpec, Cells, ExtVec, Fractions, LeafRegion, TableOps } from './backend.ts';
import { bind } from './gpu-bind.ts';
import * as fractions from './gpu-fractions.ts';
import { MAX_INLINE_BYTES, type Binding } from './gpu-queue.ts';
import * as rounds from './gpu-rounds.ts';
import { extWords, gpuCells, gpuExt, type GpuExtVec, type GpuVectors } from './gpu-vectors.ts';
import { checkRange } from './vector-error.ts';

/** Variables that eq-table.wgsl takes directly; longer points are outer products of two tables. */
const DIRECT_VARIABLES = 10;
const MAX_DIRECT_VARIABLES = 12;

/** Items of a workgroup's turn in kernels that do one product an item. */
const ITEMS_PER_GROUP = 512;

export class GpuTables implements TableOps {
  readonly #vectors: GpuVectors;

  constructor(vectors: GpuVectors) {
    this.#vectors = vectors;
  }

  uploadCells(data: Uint32Array): Cells {
    return this.#vectors.uploadCells(data);
  }

  uploadExt(values: readonly Ext[]): ExtVec {
    return this.#vectors.uploadExt(values);
  }

  downloadExt(v: ExtVec): Promise<Ext[]> {
    return this.#vectors.downloadExt(v);
  }

  zeros(length: number): ExtVec {
    return this.#vectors.zeros(length);
  }

  free(...vectors: (ExtVec | Cells)[]): void {
    this.#vectors.free(...vectors);
  }

  eqTable(point: readonly Ext[], scale: Ext): ExtVec {
    const out = this.#vectors.ext(2 ** point.length);
    if (point.length <= DIRECT_VARIABLES && out.chunks.length === 1) {
      const words = new Uint32Array(4 * (MAX_DIRECT_VARIABLES + 2));
      words.set(extWords([scale, ...point]));
      words[4 * (MAX_DIRECT_VARIABLES + 1)] = point.length;
      this.#queue.dispatch('eq-table', this.#groups(out.length), words, [out.chunks[0]]);
      return out;
    }
    // Halves, so that each fits one buffer and neither costs more than the product.
    const low = gpuExt(this.eqTable(point.slice(0, point.length >> 1), scale));
    const high = gpuExt(this.eqTable(point.slice(point.length >> 1), ONE));
    this.#outer(out, 0, () => [high.chunks[0], low.chunks[0]], out.length, low.length, false);
    this.free(low, high);
    return out;
  }

  sumPairs(v: ExtVec): ExtVec {
    return this.#halve(gpuExt(v), new Uint32Array(4), true);
  }

  cellsToExt(cells: Cells, start: number, length: number): ExtVec {
    checkRange(cells, start, length);
    const out = this.#vectors.ext(length);
    for (const to of this.#vectors.pieces(out, 0, length))
      for (const piece of this.#vectors.pieces(gpuCells(cells), start + to.done, to.count)) {
        const params = [to.at + piece.done, piece.at, piece.count];
        this.#queue.dispatch('lift-cells', this.#groups(piece.count), params, [piece.buffer, to.buffer]);
      }
    return out;
  }

  bind(spec: BindSpec): ExtVec {
    return bind(this.#vectors, spec);
  }

  addOuter(target: ExtVec, base: number, hi: readonly Ext[], lo: readonly Ext[]): void {
    checkRange(target, base, hi.length * lo.length);
    const words = [extWords(hi), extWords(lo)];
    const outer = (tables: () => Binding[]): void =>
      this.#outer(gpuExt(target), base, tables, hi.length * lo.length, lo.length, true);
    // Short tables travel with the kernel: no submission of their own.
    if (words.every((table) => table.byteLength <= MAX_INLINE_BYTES)) return outer(() => this.#queue.inline(...words));
    const buffers = words.map((table) => {
      const buffer = this.#queue.acquire(table.byteLength);
      this.#queue.write(buffer, 0, table);
      return buffer;
    });
    outer(() => buffers);
    for (const buffer of buffers) this.#queue.release(buffer);
  }

  addScaled(target: ExtVec, base: number, v: ExtVec, coef: Ext): void {
    checkRange(target, base, v.length);
    const words = extWords([coef]);
    for (const to of this.#vectors.pieces(gpuExt(target), base, v.length))
      for (const piece of this.#vectors.pieces(gpuExt(v), to.done, to.count)) {
        const params = [...words, to.at + piece.done, piece.at, piece.count];
        this.#queue.dispatch('add-scaled', this.#groups(piece.count), params, [piece.buffer, to.buffer]);
      }
  }

  productRound(terms: readonly (readonly ExtVec[])[]): Promise<Ext[][]> {
    return rounds.productRound(this.#vectors, terms);
  }

  fold(vectors: readonly ExtVec[], r: Ext): ExtVec[] {
    const words = extWords([r]);
    return vectors.map((v) => this.#halve(gpuExt(v), words, false));
  }

  leaves(length: number, regions: readonly LeafRegion[]): Fractions {
    return fractions.leaves(this.#vectors, length, regions);
  }

  layerUp(layer: Fractions): Fractions {
    return fractions.layerUp(this.#vectors, layer);
  }

  fractionRound(state: Fractions, eq: ExtVec, lambda: Ext): Promise<[Ext, Ext]> {
    return rounds.fractionRound(this.#vectors, state, eq, lambda);
  }

  foldFractions(state: Fractions, r: Ext): Fractions {
    return fractions.foldFractions(this.#vectors, state, r);
  }

  get #queue(): GpuVectors['queue'] {
    return this.#vectors.queue;
  }

  #groups(items: number): number {
    return this.#queue.groupsFor(items, ITEMS_PER_GROUP);
  }

  /** fold.wgsl on every chunk; consumes `v`. */
  #halve(v: GpuExtVec, r: Uint32Array, sum: boolean): GpuExtVec {
    const out = this.#vectors.ext(Math.ceil(v.length / 2));
    v.chunks.forEach((chunk, k) => {
      const length = v.chunkLength(k);
      const params = [...r, length, (k % 2) * 2 ** (v.chunkLog - 1)];
      this.#queue.dispatch('fold', this.#groups(length), params, [chunk, out.chunks[k >> 1]], { SUM: sum ? 1 : 0 });
    });
    this.free(v);
    return out;
  }

  /** target[base + t] (+)= hi[t / width]·lo[t mod width] for t < count; `tables` gives hi and lo for one kernel. */
  #outer(target: GpuExtVec, base: number, tables: () => Binding[], count: number, width: number, add: boolean): void {
    for (const piece of this.#vectors.pieces(target, base, count)) {
      const bindings = [...tables(), piece.buffer];
      const params = [piece.at, piece.done, piece.count, width];
      this.#queue.dispatch('outer', this.#groups(piece.count), params, bindings, { ADD: add ? 1 : 0 });
    }
  }
}
