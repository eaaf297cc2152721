/** Reed–Solomon encoding and row hashing on the GPU, block by block, so that a bounded part of a codeword exists at once. */
import { mul, pow, rootOfUnity } from '../../protocol/field.ts';
import { Sha256 } from '../../protocol/hash.ts';
import { leafHeader } from '../../protocol/merkle.ts';
import type { GpuQueue } from './gpu-queue.ts';
import { EXT_BYTES, type GpuCells, type GpuExtVec, type GpuVectors } from './gpu-vectors.ts';
import { VectorError } from './vector-error.ts';

/** A code: slices of 2^logHeight pairs of F_p elements, each evaluated on 2^logCosets cosets of the subgroup of that order. */
export interface CodeShape {
  readonly logHeight: number;
  readonly logCosets: number;
  /** A leaf holds 2^logFold points of every pair. */
  readonly logFold: number;
  readonly pairs: number;
  /** F_p elements of a leaf. */
  readonly columns: number;
}

/** A part of a codeword: some cosets of some pairs, position [coset][pair][reversed point]. */
export interface Block {
  readonly coset: number;
  readonly cosets: number;
  readonly pair: number;
  readonly pairs: number;
}

/** A pass transforms 2^4 pairs in registers. */
const LOG_RADIX = 4;

/** Slices that one thread transforms with the same twiddles. */
const SPAN = 8;

/**
 * Cuts a codeword into blocks of at most `bytes`: whole rows where one coset of all pairs fits, else several pairs.
 * @throws VectorError when not even four pairs of a coset fit.
 */
export function planBlocks(shape: CodeShape, bytes: number): Block[] {
  const slices = Math.floor(bytes / (EXT_BYTES * 2 ** shape.logHeight));
  // Row hashing goes on from block to block only at multiples of four pairs, one SHA-256 block.
  const pairs = slices >= shape.pairs ? shape.pairs : slices - (slices % 4);
  if (pairs === 0)
    throw new VectorError('SHAPE', 2 ** shape.logHeight, `columns too long for blocks of ${bytes} bytes`);
  const cosets = Math.floor(slices / pairs);
  const blocks: Block[] = [];
  for (let coset = 0; coset < 2 ** shape.logCosets; coset += cosets)
    for (let pair = 0; pair < shape.pairs; pair += pairs)
      blocks.push({
        coset,
        cosets: Math.min(cosets, 2 ** shape.logCosets - coset),
        pair,
        pairs: Math.min(pairs, shape.pairs - pair),
      });
  return blocks;
}

export class GpuEncoder {
  readonly #vectors: GpuVectors;
  readonly #queue: GpuQueue;
  /** ω^e for e < 2^⌈n/2⌉, then ω^(e·2^⌈n/2⌉), by n. */
  readonly #roots = new Map<number, GPUBuffer>();
  readonly #initial = new Sha256().update(leafHeader()).midstate();

  constructor(vectors: GpuVectors) {
    this.#vectors = vectors;
    this.#queue = vectors.queue;
  }

  /** Records the encoding of one block into `out`. */
  encode(shape: CodeShape, block: Block, source: GpuCells | GpuExtVec, out: GPUBuffer): void {
    const { logHeight, logCosets } = shape;
    const logDomain = logHeight + logCosets;
    const roots = this.#rootTable(logDomain);
    const domain = [logDomain, Math.ceil(logDomain / 2)];
    const start = source.bytesPerElement === EXT_BYTES ? 0 : block.pair * 2 ** (logHeight + 1);
    const most = block.pairs * 2 ** (source.bytesPerElement === EXT_BYTES ? logHeight : logHeight + 1);
    const staged = this.#stage(source, start, Math.min(most, source.length - start));
    const groups = this.#queue.groupsFor(block.cosets * 2 ** logHeight, 64);
    if (source.bytesPerElement === EXT_BYTES) {
      const params = [logHeight, block.cosets, block.coset, staged.length, ...domain];
      this.#queue.dispatch('spread-ext', groups, params, [roots, staged.binding, out]);
    } else {
      const params = [logHeight, block.pairs, block.cosets, block.coset, staged.length, ...domain];
      this.#queue.dispatch('spread-cells', groups, params, [roots, staged.binding, out]);
    }
    staged.release();
    this.#transform(logHeight, block.pairs * block.cosets, roots, domain, out);
  }

  /** Records one transform of 2^logSize pairs in place: position q gets Σ_i data[i]·ω^(i·reversed q). */
  transform(logSize: number, data: GPUBuffer): void {
    this.#transform(logSize, 1, this.#rootTable(logSize), [logSize, Math.ceil(logSize / 2)], data);
  }

  /** Records the transforms of `slices` slices, in place and into bit-reversed order. */
  #transform(logHeight: number, slices: number, roots: GPUBuffer, domain: number[], data: GPUBuffer): void {
    let logM = logHeight - LOG_RADIX;
    for (; logM > 0; logM -= LOG_RADIX) {
      const threads = Math.ceil(slices / SPAN) * 2 ** (logHeight - LOG_RADIX);
      const params = [logHeight, logM, slices, SPAN, ...domain];
      this.#queue.dispatch('ntt-pass', this.#queue.groupsFor(threads, 64), params, [roots, data]);
    }
    // Buffers have a power of two of bytes from 256 on, so a last run of 16 pairs is never cut short.
    const runs = Math.ceil((slices * 2 ** logHeight) / 2 ** LOG_RADIX);
    this.#queue.dispatch('ntt-last', this.#queue.groupsFor(runs, 64), [logM + LOG_RADIX, runs], [data]);
  }

  /** Records the hashing of one block into the leaf digests; blocks of a coset come in the order of their pairs. */
  hash(shape: CodeShape, block: Block, codeword: GPUBuffer, digests: GPUBuffer): void {
    const rows = block.cosets * 2 ** (shape.logHeight - shape.logFold);
    const params = Uint32Array.of(
      ...this.#initial,
      shape.logHeight,
      shape.logFold,
      block.pairs,
      block.cosets,
      block.coset,
      shape.logCosets,
      block.pair,
      shape.columns,
      block.pair + block.pairs === shape.pairs ? 1 : 0,
    );
    this.#queue.dispatch('hash-rows', this.#queue.groupsFor(rows, 64), params, [codeword, digests]);
  }

  /** The source's elements in one binding: directly where they lie in one chunk, else copied together. */
  #stage(source: GpuCells | GpuExtVec, start: number, length: number) {
    const bytes = source.bytesPerElement;
    const pieces = [...this.#vectors.pieces(source, start, length)];
    if (pieces.length === 1 && (pieces[0].at * bytes) % 256 === 0) {
      const binding = { buffer: pieces[0].buffer, offset: pieces[0].at * bytes };
      return { binding, length, release: () => undefined };
    }
    const staging = this.#queue.acquire(length * bytes);
    for (const { buffer, at, count, done } of pieces)
      this.#queue.copy(buffer, at * bytes, staging, done * bytes, count * bytes);
    return { binding: staging, length, release: () => this.#queue.release(staging) };
  }

  #rootTable(logDomain: number): GPUBuffer {
    let table = this.#roots.get(logDomain);
    if (table === undefined) {
      const root = rootOfUnity(logDomain);
      const logLow = Math.ceil(logDomain / 2);
      const words = new BigUint64Array(2 ** logLow + 2 ** (logDomain - logLow));
      fillPowers(words.subarray(0, 2 ** logLow), root);
      fillPowers(words.subarray(2 ** logLow), pow(root, 1n << BigInt(logLow)));
      table = this.#queue.acquire(words.byteLength);
      this.#queue.write(table, 0, words);
      this.#roots.set(logDomain, table);
    }
    return table;
  }
}

function fillPowers(out: BigUint64Array, base: bigint): void {
  for (let i = 0, power = 1n; i < out.length; i++, power = mul(power, base)) out[i] = power;
}
