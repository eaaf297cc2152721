/**
 * Vectors on the GPU: lists of buffers, each with 2^chunkLog elements (the last one fewer), because one binding is
 * limited in size. Even chunk lengths keep every pairwise kernel inside one chunk.
 */
import type { Ext } from '../../protocol/extension.ts';
import type { Cells, ExtVec } from './backend.ts';
import type { GpuQueue } from './gpu-queue.ts';
import { VectorError } from './vector-error.ts';

/** Bytes of an F_p² element: four u32 words c0.low, c0.high, c1.low, c1.high. */
export const EXT_BYTES = 16;

abstract class ChunkedVector {
  readonly length: number;
  readonly chunkLog: number;
  readonly bytesPerElement: number;
  #chunks: readonly GPUBuffer[] | undefined;

  constructor(length: number, chunkLog: number, bytesPerElement: number, chunks: readonly GPUBuffer[]) {
    this.length = length;
    this.chunkLog = chunkLog;
    this.bytesPerElement = bytesPerElement;
    this.#chunks = chunks;
  }

  /** Buffer k holds elements k·2^chunkLog and on. @throws VectorError after release. */
  get chunks(): readonly GPUBuffer[] {
    if (this.#chunks === undefined) throw new VectorError('RELEASED', this.length);
    return this.#chunks;
  }

  /** Number of elements in chunk k. */
  chunkLength(k: number): number {
    return Math.min(2 ** this.chunkLog, this.length - k * 2 ** this.chunkLog);
  }

  /** Gives the buffers up; the caller owns them from here on. */
  take(): readonly GPUBuffer[] {
    const chunks = this.chunks;
    this.#chunks = undefined;
    return chunks;
  }
}

export class GpuExtVec extends ChunkedVector implements ExtVec {}
export class GpuCells extends ChunkedVector implements Cells {}

/** The GPU vector behind a handle. @throws VectorError for a handle of another backend. */
export function gpuExt(v: ExtVec): GpuExtVec {
  if (!(v instanceof GpuExtVec)) throw new VectorError('FOREIGN', v.length);
  return v;
}

/** The GPU cells behind a handle. @throws VectorError for a handle of another backend. */
export function gpuCells(cells: Cells): GpuCells {
  if (!(cells instanceof GpuCells)) throw new VectorError('FOREIGN', cells.length);
  return cells;
}

/** The words of F_p² elements. */
export function extWords(values: readonly Ext[]): Uint32Array {
  const words = new BigUint64Array(2 * values.length);
  for (let i = 0; i < values.length; i++) [words[2 * i], words[2 * i + 1]] = values[i];
  return new Uint32Array(words.buffer);
}

/** The F_p² elements in words. */
export function wordsToExt(words: Uint32Array): Ext[] {
  const pairs = new BigUint64Array(words.buffer, words.byteOffset, words.length / 2);
  return Array.from({ length: pairs.length / 2 }, (_, i) => [pairs[2 * i], pairs[2 * i + 1]] as const);
}

/** Makes, fills, reads and frees vectors of one device. */
export class GpuVectors {
  readonly queue: GpuQueue;
  /** log₂ of the F_p² elements of a chunk; u32 cells have four times as many. */
  readonly chunkLog: number;

  /** `chunkLog` ≥ 4 (256 bytes); without it, half of what the device can bind, at most 2^26 elements (1 GiB). */
  constructor(queue: GpuQueue, chunkLog?: number) {
    this.queue = queue;
    const largest = Math.floor(Math.log2(queue.gpu.limits.maxStorageBufferBindingSize / EXT_BYTES));
    this.chunkLog = chunkLog ?? Math.min(largest - 1, 26);
  }

  /** A vector with arbitrary contents. */
  ext(length: number): GpuExtVec {
    return new GpuExtVec(length, this.chunkLog, EXT_BYTES, this.#buffers(length, this.chunkLog, EXT_BYTES));
  }

  cells(length: number): GpuCells {
    return new GpuCells(length, this.chunkLog + 2, 4, this.#buffers(length, this.chunkLog + 2, 4));
  }

  zeros(length: number): GpuExtVec {
    const v = this.ext(length);
    v.chunks.forEach((chunk, k) => this.queue.clear(chunk, 0, v.chunkLength(k) * EXT_BYTES));
    return v;
  }

  uploadCells(data: Uint32Array): GpuCells {
    const cells = this.cells(data.length);
    this.#write(cells, data, 1);
    return cells;
  }

  uploadExt(values: readonly Ext[]): GpuExtVec {
    const v = this.ext(values.length);
    this.#write(v, extWords(values), 4);
    return v;
  }

  async downloadExt(v: ExtVec): Promise<Ext[]> {
    const { chunks } = gpuExt(v);
    const words = await Promise.all(
      chunks.map((chunk, k) => this.queue.read(chunk, 0, gpuExt(v).chunkLength(k) * EXT_BYTES)),
    );
    return words.flatMap(wordsToExt);
  }

  free(...vectors: (ExtVec | Cells)[]): void {
    for (const v of vectors)
      for (const buffer of (v instanceof GpuCells ? v : gpuExt(v)).take()) this.queue.release(buffer);
  }

  /**
   * The pieces of a vector's elements start … start+length−1, each inside one chunk: the chunk, the first element's
   * index in it, its count, and how many elements lie before it.
   */
  *pieces(v: ChunkedVector, start: number, length: number): Generator<Piece> {
    const size = 2 ** v.chunkLog;
    for (let done = 0; done < length;) {
      const at = (start + done) % size;
      const count = Math.min(size - at, length - done);
      yield { buffer: v.chunks[Math.floor((start + done) / size)], at, count, done };
      done += count;
    }
  }

  #buffers(length: number, chunkLog: number, bytes: number): GPUBuffer[] {
    const size = 2 ** chunkLog;
    // An empty vector has one (smallest) buffer all the same, so that it can be bound.
    return Array.from({ length: Math.max(1, Math.ceil(length / size)) }, (_, k) =>
      this.queue.acquire(Math.min(size, length - k * size) * bytes),
    );
  }

  #write(v: ChunkedVector, words: Uint32Array, wordsPerElement: number): void {
    const size = 2 ** v.chunkLog * wordsPerElement;
    v.chunks.forEach((chunk, k) => {
      const part = words.subarray(k * size, Math.min(words.length, (k + 1) * size));
      if (part.length > 0) this.queue.write(chunk, 0, part);
    });
  }
}

export interface Piece {
  readonly buffer: GPUBuffer;
  readonly at: number;
  readonly count: number;
  readonly done: number;
}
