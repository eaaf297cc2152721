/** The Merkle root of encoded columns, as protocol/merkle.ts and arguments/code.ts define it. */
import { compressPairWords, compressWords, Sha256 } from '../protocol/hash.ts';
import { leafHeader } from '../protocol/merkle.ts';
import { CosetTransform, writeCanonical } from './ntt.ts';

/** Words of a digest, of a block, and columns of a row that one block holds. */
const DIGEST_WORDS = 8;
const BLOCK_WORDS = 16;
const BLOCK_COLUMNS = 8;

/** Blocks of a leaf after its header: 8 bytes a column, SHA-256's mark and length. */
export function leafBlocks(columns: number): number {
  return Math.ceil((8 * columns + 9) / 64);
}

/** Parents of left[i] and right[i], written over left. */
function parents(left: Int32Array, right: Int32Array): Int32Array {
  for (let at = 0; at < left.length; at += DIGEST_WORDS) compressPairWords(left, right, at);
  return left;
}

/** Makes the leaves of one coset after another; one set of buffers serves them all. */
class Leaves {
  readonly #cells: Uint32Array;
  readonly #columns: number;
  readonly #transform: CosetTransform;
  readonly #lo: Float64Array;
  readonly #hi: Float64Array;
  /** A block of every row. */
  readonly #rows: Uint32Array;
  readonly #start = Int32Array.from(new Sha256().update(leafHeader()).midstate());

  constructor(cells: Uint32Array, logHeight: number, logInvRate: number) {
    const height = 2 ** logHeight;
    this.#cells = cells;
    this.#columns = Math.ceil(cells.length / height);
    this.#transform = new CosetTransform(logHeight, logInvRate);
    this.#lo = new Float64Array(height);
    this.#hi = new Float64Array(height);
    this.#rows = new Uint32Array(BLOCK_WORDS * height);
  }

  /** Digests of the coset's leaves, in the order of {@link CosetTransform.transform}. */
  digests(coset: number): Int32Array {
    const { height } = this.#transform;
    const states = new Int32Array(DIGEST_WORDS * height);
    for (let at = 0; at < states.length; at += DIGEST_WORDS) states.set(this.#start, at);
    this.#transform.select(coset);
    const blocks = leafBlocks(this.#columns);
    for (let block = 0; block < blocks; block++) {
      for (let c = 0; c < BLOCK_COLUMNS; c++) this.#fill(c, BLOCK_COLUMNS * block + c);
      if (block === blocks - 1) this.#fillLength();
      for (let i = 0; i < height; i++) compressWords(states, DIGEST_WORDS * i, this.#rows, BLOCK_WORDS * i);
    }
    return states;
  }

  /** Writes a column's values, or what pads a row, to the two words at place `c` of every row's block. */
  #fill(c: number, column: number): void {
    const { height } = this.#transform;
    if (column >= this.#columns) {
      const mark = column === this.#columns ? 0x80000000 : 0;
      for (let at = 2 * c; at < this.#rows.length; at += BLOCK_WORDS) {
        this.#rows[at] = mark;
        this.#rows[at + 1] = 0;
      }
      return;
    }
    const cells = this.#cells.subarray(column * height, (column + 1) * height);
    this.#lo.set(cells);
    this.#lo.fill(0, cells.length);
    this.#hi.fill(0);
    this.#transform.transform(this.#lo, this.#hi);
    writeCanonical(this.#rows, 2 * c, BLOCK_WORDS, this.#lo, this.#hi);
  }

  #fillLength(): void {
    const bits = 8 * (64 + 8 * this.#columns);
    for (let at = BLOCK_WORDS - 1; at < this.#rows.length; at += BLOCK_WORDS) this.#rows[at] = bits;
  }
}

/**
 * The Merkle root of cells cut into columns of 2^logHeight coefficients, each encoded at rate 2^−logInvRate.
 *
 * Leaf j stands at ω^j. With j = 2^logInvRate·m + coset the lower levels of the tree join cosets, index by index; then
 * the order of the transform, in which bit 0 of m is the highest, joins the first half of the nodes with the second.
 *
 * @param cells in the order of their stack, at least one
 * @returns 32 bytes
 * @throws RangeError without cells, or when F_p has no such subgroup
 */
export function encodedRoot(cells: Uint32Array, logHeight: number, logInvRate: number): Uint8Array {
  if (cells.length === 0) throw new RangeError('a stack to commit has at least one cell');
  const leaves = new Leaves(cells, logHeight, logInvRate);
  const subtree = (first: number, cosets: number): Int32Array =>
    cosets === 1 ? leaves.digests(first) : parents(subtree(first, cosets / 2), subtree(first + cosets / 2, cosets / 2));
  let level = subtree(0, 2 ** logInvRate);
  while (level.length > DIGEST_WORDS) {
    const half = level.length / 2;
    level = parents(level.subarray(0, half), level.subarray(half));
  }
  const root = new Uint8Array(4 * DIGEST_WORDS);
  const view = new DataView(root.buffer);
  level.forEach((word, i) => view.setInt32(4 * i, word));
  return root;
}
