import { DIGEST_BYTES } from '../../protocol/hash.ts';
import { siblingPositions } from '../../protocol/merkle.ts';
import { gatherVec4 } from './gpu-gather.ts';
import type { GpuQueue } from './gpu-queue.ts';
import { VectorError } from './vector-error.ts';

/** A Merkle tree of protocol/merkle.ts in one GPU buffer: leaf digests first, then level by level up to the root. */
export class GpuTree {
  readonly depth: number;
  /** Digests as eight words each; kernels write the leaves, `build` the rest. */
  readonly nodes: GPUBuffer;
  readonly #queue: GpuQueue;

  /** @throws VectorError when the device can't bind a tree of 2^depth leaves. */
  constructor(queue: GpuQueue, depth: number) {
    const bytes = 2 ** (depth + 1) * DIGEST_BYTES;
    if (bytes > queue.gpu.limits.maxStorageBufferBindingSize)
      throw new VectorError('SHAPE', 2 ** depth, `a Merkle tree of ${bytes} bytes is more than this device can bind`);
    this.depth = depth;
    this.nodes = queue.acquire(bytes);
    this.#queue = queue;
  }

  /** Records the hashing of all levels above the leaves. */
  build(): void {
    for (let level = 1; level <= this.depth; level++) {
      const count = 2 ** (this.depth - level);
      this.#queue.dispatch(
        'hash-nodes',
        this.#queue.groupsFor(count, 64),
        [this.#start(level - 1), this.#start(level), count],
        [this.nodes],
      );
    }
  }

  async root(): Promise<Uint8Array> {
    return digestBytes(await this.#queue.read(this.nodes, this.#start(this.depth) * DIGEST_BYTES, DIGEST_BYTES));
  }

  /**
   * The multi-proof of some leaves.
   * @throws MerkleError unless `indices` strictly increase within the tree.
   */
  async siblings(indices: readonly number[]): Promise<Uint8Array[]> {
    const digests = siblingPositions(this.depth, indices).map(({ level, index }) => this.#start(level) + index);
    const halves = digests.flatMap((digest) => [2 * digest, 2 * digest + 1]);
    const words = await gatherVec4(this.#queue, [{ from: this.nodes, indices: halves }]);
    return digests.map((_, i) => digestBytes(words.subarray(8 * i, 8 * i + 8)));
  }

  release(): void {
    this.#queue.release(this.nodes);
  }

  /** Number of digests before a level. */
  #start(level: number): number {
    return 2 ** (this.depth + 1) - 2 ** (this.depth + 1 - level);
  }
}

function digestBytes(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(DIGEST_BYTES);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word));
  return bytes;
}
