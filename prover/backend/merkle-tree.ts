import { DIGEST_BYTES, compressPair } from '../../protocol/hash.ts';
import { siblingPositions } from '../../protocol/merkle.ts';

/** All nodes of a Merkle tree of protocol/merkle.ts over given leaf digests, in memory. */
export class MerkleTree {
  readonly depth: number;
  /** levels[l] holds the digests of level l side by side, leaves first. */
  readonly #levels: Uint8Array[];

  /**
   * @param leaves 2^depth digests of 32 bytes, side by side.
   * @throws RangeError when their number is no power of two.
   */
  constructor(leaves: Uint8Array) {
    this.depth = Math.log2(leaves.length / DIGEST_BYTES);
    if (!Number.isInteger(this.depth)) throw new RangeError('a Merkle tree has a power of two of leaves');
    this.#levels = [leaves];
    for (let level = 0; level < this.depth; level++) {
      const parents = new Uint8Array(this.#levels[level].length / 2);
      for (let index = 0; index < parents.length / DIGEST_BYTES; index++) {
        parents.set(compressPair(this.node(level, 2 * index), this.node(level, 2 * index + 1)), index * DIGEST_BYTES);
      }
      this.#levels.push(parents);
    }
  }

  /** The node `index` of `level`, counted from the leaves. */
  node(level: number, index: number): Uint8Array {
    return this.#levels[level].subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
  }

  get root(): Uint8Array {
    return this.node(this.depth, 0).slice();
  }

  /**
   * The multi-proof of some leaves.
   * @throws MerkleError unless `indices` strictly increase within the tree.
   */
  siblings(indices: readonly number[]): Uint8Array[] {
    return siblingPositions(this.depth, indices).map(({ level, index }) => this.node(level, index).slice());
  }
}
