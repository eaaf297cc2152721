/** The encoding side on the GPU; formulas and leaf order are those of cpu-code.ts. */
import type { Ext } from '../../protocol/extension.ts';
import { siblingPositions } from '../../protocol/merkle.ts';
import type { Cells, CodeOps, CommittedExt, CommittedMatrix, ExtVec, OpenedLeaves } from './backend.ts';
import { checkCount, checkDomain, checkExtCode, columnCount } from './code-specs.ts';
import { addPowers, combineColumns } from './gpu-combine.ts';
import { type Block, type CodeShape, GpuEncoder, planBlocks } from './gpu-encoder.ts';
import { Gather } from './gpu-gather.ts';
import { GpuTree } from './gpu-tree.ts';
import { EXT_BYTES, GpuExtVec, type GpuCells, type GpuVectors, gpuCells, gpuExt } from './gpu-vectors.ts';
import { VectorError, checkRange } from './vector-error.ts';

/** Bounds on memory, in bytes. */
export interface CodeMemory {
  /**
   * Codewords in memory, those kept for openings and the one being made; a commitment that doesn't fit beside the
   * kept ones is encoded again, block by block, when it is opened. 1 GiB unless said otherwise.
   */
  readonly codewordBytes?: number;
  /** The largest block; what the device can bind unless said otherwise. */
  readonly blockBytes?: number;
}

interface Commitment {
  readonly shape: CodeShape;
  readonly source: GpuCells | GpuExtVec;
  readonly tree: GpuTree;
  readonly blocks: readonly Block[];
  /** The blocks' contents, or null where they must be encoded again. */
  readonly kept: readonly GPUBuffer[] | null;
}

const blockBytes = (shape: CodeShape, block: Block): number =>
  block.pairs * block.cosets * 2 ** shape.logHeight * EXT_BYTES;

export class GpuCode implements CodeOps {
  readonly #vectors: GpuVectors;
  readonly #encoder: GpuEncoder;
  readonly #codewordBytes: number;
  readonly #blockBytes: number;
  readonly #commitments = new Map<CommittedMatrix | CommittedExt, Commitment>();
  #keptBytes = 0;

  constructor(vectors: GpuVectors, memory: CodeMemory = {}) {
    this.#vectors = vectors;
    this.#encoder = new GpuEncoder(vectors);
    this.#codewordBytes = memory.codewordBytes ?? 2 ** 30;
    const { maxStorageBufferBindingSize } = vectors.queue.gpu.limits;
    this.#blockBytes = Math.min(memory.blockBytes ?? Infinity, maxStorageBufferBindingSize, this.#codewordBytes);
  }

  /** The cells must not be freed before the commitment is released: openings may encode them again. */
  async commitCells(cells: Cells, logHeight: number, logInvRate: number): Promise<CommittedMatrix> {
    checkDomain(cells, logHeight, logInvRate);
    const columns = columnCount(cells, logHeight);
    const shape = { logHeight, logCosets: logInvRate, logFold: 0, pairs: Math.ceil(columns / 2), columns };
    const commitment = this.#commit(shape, gpuCells(cells));
    const matrix: CommittedMatrix = { root: await commitment.tree.root(), logHeight, columns, logInvRate };
    this.#commitments.set(matrix, commitment);
    return matrix;
  }

  openMatrix(matrix: CommittedMatrix, indices: readonly number[]): Promise<OpenedLeaves> {
    return this.#open(matrix, indices);
  }

  combineColumns(cells: Cells, logHeight: number, weights: readonly Ext[]): ExtVec {
    checkCount(cells, 'columns', columnCount(cells, logHeight), weights.length);
    return combineColumns(this.#vectors, gpuCells(cells), logHeight, weights);
  }

  /** The vector must not be freed or folded before the commitment is released: openings may encode it again. */
  async commitExt(v: ExtVec, logLength: number, logInvRate: number, logFold: number): Promise<CommittedExt> {
    checkExtCode(v, logLength, logInvRate, logFold);
    // A leaf's points lie in one coset; leaves larger than the polynomial take it as a longer one of a higher rate.
    const logHeight = Math.max(logLength, logFold);
    const logCosets = logLength + logInvRate - logHeight;
    const shape = { logHeight, logCosets, logFold, pairs: 1, columns: 2 ** (logFold + 1) };
    const commitment = this.#commit(shape, gpuExt(v));
    const committed: CommittedExt = { root: await commitment.tree.root(), logLength, logInvRate, logFold };
    this.#commitments.set(committed, commitment);
    return committed;
  }

  openExt(committed: CommittedExt, indices: readonly number[]): Promise<OpenedLeaves> {
    return this.#open(committed, indices);
  }

  addPowers(target: ExtVec, base: number, length: number, points: readonly bigint[], coefs: readonly Ext[]): void {
    checkRange(target, base, length);
    checkCount(target, 'points', points.length, coefs.length);
    addPowers(this.#vectors, this.#encoder, gpuExt(target), base, length, points, coefs);
  }

  release(...committed: (CommittedMatrix | CommittedExt)[]): void {
    for (const c of committed) {
      const { shape, tree, blocks, kept } = this.#commitment(c);
      tree.release();
      kept?.forEach((buffer, i) => {
        this.#vectors.queue.release(buffer);
        this.#keptBytes -= blockBytes(shape, blocks[i]);
      });
      this.#commitments.delete(c);
    }
  }

  #commitment(committed: CommittedMatrix | CommittedExt): Commitment {
    const commitment = this.#commitments.get(committed);
    if (commitment === undefined) throw new VectorError('RELEASED', 0, 'a commitment released, or of another backend');
    return commitment;
  }

  #commit(shape: CodeShape, source: GpuCells | GpuExtVec): Commitment {
    const { queue } = this.#vectors;
    const blocks = planBlocks(shape, this.#blockBytes);
    const tree = new GpuTree(queue, shape.logHeight + shape.logCosets - shape.logFold);
    const bytes = blocks.reduce((sum, block) => sum + blockBytes(shape, block), 0);
    const keep = this.#keptBytes + bytes <= this.#codewordBytes;
    const kept: GPUBuffer[] = [];
    for (const block of blocks) {
      const buffer = queue.acquire(blockBytes(shape, block));
      this.#encoder.encode(shape, block, source, buffer);
      this.#encoder.hash(shape, block, buffer, tree.nodes);
      if (keep) kept.push(buffer);
      else queue.release(buffer);
    }
    tree.build();
    if (keep) this.#keptBytes += bytes;
    return { shape, source, tree, blocks, kept: keep ? kept : null };
  }

  async #open(committed: CommittedMatrix | CommittedExt, indices: readonly number[]): Promise<OpenedLeaves> {
    const { shape, source, tree, blocks, kept } = this.#commitment(committed);
    const { queue } = this.#vectors;
    siblingPositions(tree.depth, indices);
    const gather = new Gather(queue, indices.length * (shape.pairs << shape.logFold));
    const places: { leaf: number; pair: number }[] = [];
    blocks.forEach((block, i) => {
      const wanted = blockElements(shape, block, indices);
      if (wanted.length === 0) return;
      const buffer = kept?.[i] ?? queue.acquire(blockBytes(shape, block));
      if (kept === null) this.#encoder.encode(shape, block, source, buffer);
      gather.add(
        buffer,
        wanted.map((element) => element.at),
      );
      if (kept === null) queue.release(buffer);
      places.push(...wanted);
    });
    const [words, siblings] = await Promise.all([gather.read(), tree.siblings(indices)]);
    const elements = new BigUint64Array(words.buffer);
    const leaves = indices.map(() => new BigUint64Array(shape.columns));
    places.forEach(({ leaf, pair }, k) => {
      leaves[leaf][2 * pair] = elements[2 * k];
      if (2 * pair + 1 < shape.columns) leaves[leaf][2 * pair + 1] = elements[2 * k + 1];
    });
    return { leaves, siblings };
  }
}

/** `x` with its lowest `bits` bits reversed. */
function reversed(x: number, bits: number): number {
  let out = 0;
  for (let i = 0; i < bits; i++) out = out * 2 + (Math.floor(x / 2 ** i) % 2);
  return out;
}

/** Where a block holds the pairs of the asked leaves: position, number of the leaf in `indices`, pair in the leaf. */
function blockElements(shape: CodeShape, block: Block, indices: readonly number[]) {
  const { logHeight, logCosets, logFold } = shape;
  return indices.flatMap((index, leaf) => {
    const k = (index % 2 ** logCosets) - block.coset;
    if (k < 0 || k >= block.cosets) return [];
    const row = reversed(Math.floor(index / 2 ** logCosets), logHeight - logFold);
    return Array.from({ length: block.pairs << logFold }, (_, e) => {
      const slice = k * block.pairs + (e >> logFold);
      const point = reversed(e % 2 ** logFold, logFold);
      return { leaf, pair: (block.pair << logFold) + e, at: slice * 2 ** logHeight + row * 2 ** logFold + point };
    });
  });
}
