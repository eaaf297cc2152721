/**
 * Merkle trees of 2^depth leaves over SHA-256, opened at several leaves with one multi-proof.
 *
 * node = SHA-256(left ‖ right), a preimage of exactly 64 bytes.
 * leaf = SHA-256(header ‖ row), header one block of 64 bytes: 'zklora/leaf/v1' zero-padded to 32 bytes, 16 bytes of
 * salt (zero when unsalted), 16 zero bytes; row = the elements, 8 bytes big-endian each (F_p²: c0, then c1).
 * A row has at least one element, so a leaf's preimage is longer than 64 bytes and is never a node's: neither can be
 * passed off as the other.
 */
import { MerkleError } from './errors.ts';
import { BLOCK_BYTES, DIGEST_BYTES, compressPair, sha256 } from './hash.ts';

/** Bytes of a leaf's salt. */
export const SALT_BYTES = 16;

const LEAF_TAG = new Uint8Array(Array.from('zklora/leaf/v1', (c) => c.charCodeAt(0)));
const SALT_OFFSET = 32;

/**
 * The first block of a leaf's preimage.
 * @param salt 16 bytes; zero when absent.
 * @throws RangeError for a salt of another length.
 */
export function leafHeader(salt?: Uint8Array): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  header.set(LEAF_TAG);
  if (salt !== undefined) {
    if (salt.length !== SALT_BYTES) throw new RangeError(`a leaf's salt has ${SALT_BYTES} bytes, not ${salt.length}`);
    header.set(salt, SALT_OFFSET);
  }
  return header;
}

/**
 * Digest of a leaf, 32 bytes.
 * @param row canonical elements of F_p, at least one.
 * @param salt 16 bytes; zero when absent.
 * @throws RangeError for an empty row or a salt of another length.
 */
export function leafDigest(row: readonly bigint[] | BigUint64Array, salt?: Uint8Array): Uint8Array {
  if (row.length === 0) throw new RangeError('a leaf has at least one element');
  const bytes = new Uint8Array(BLOCK_BYTES + 8 * row.length);
  bytes.set(leafHeader(salt));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < row.length; i++) view.setBigUint64(BLOCK_BYTES + 8 * i, row[i]);
  return sha256(bytes);
}

/** A node of a tree; level 0 holds the leaves, `index` counts from the left. */
export interface NodePosition {
  readonly level: number;
  readonly index: number;
}

function checkIndices(depth: number, indices: readonly number[]): void {
  const size = 2 ** depth;
  let previous = -1;
  for (const index of indices) {
    if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
      throw new MerkleError('MERKLE_INDEX', `leaf index ${index} is outside a tree of 2^${depth} leaves`);
    }
    if (index <= previous) {
      throw new MerkleError('MERKLE_ORDER', `leaf indices must strictly increase, but ${index} follows ${previous}`);
    }
    previous = index;
  }
}

/**
 * The nodes of a multi-proof, level by level from the leaves up, left to right within a level: the sibling of every
 * known node that isn't known itself.
 * @param depth log₂ of the number of leaves, at least 0.
 * @param indices strictly increasing.
 * @throws MerkleError MERKLE_INDEX, MERKLE_ORDER
 */
export function siblingPositions(depth: number, indices: readonly number[]): NodePosition[] {
  checkIndices(depth, indices);
  const positions: NodePosition[] = [];
  let known = indices;
  for (let level = 0; level < depth; level++) {
    const parents: number[] = [];
    for (let i = 0; i < known.length; i++) {
      const index = known[i];
      parents.push(Math.floor(index / 2));
      if (index % 2 === 0 && known[i + 1] === index + 1) i++;
      else positions.push({ level, index: index % 2 === 0 ? index + 1 : index - 1 });
    }
    known = parents;
  }
  return positions;
}

/**
 * Number of digests in a multi-proof.
 * @throws MerkleError MERKLE_INDEX, MERKLE_ORDER
 */
export function siblingCount(depth: number, indices: readonly number[]): number {
  return siblingPositions(depth, indices).length;
}

/** A leaf that a multi-proof opens. */
export interface OpenedLeaf {
  readonly index: number;
  readonly digest: Uint8Array;
}

function checkDigest(digest: Uint8Array): Uint8Array {
  if (digest.length !== DIGEST_BYTES)
    throw new MerkleError('MERKLE_DIGEST', `a digest has ${DIGEST_BYTES} bytes, not ${digest.length}`);
  return digest;
}

/**
 * Checks that `leaves` are leaves of the tree with this root.
 * @param depth log₂ of the number of leaves, at least 0.
 * @param leaves at least one, indices strictly increasing.
 * @param siblings in the order of {@link siblingPositions}, neither more nor fewer.
 * @throws MerkleError MERKLE_EMPTY, MERKLE_INDEX, MERKLE_ORDER, MERKLE_SIBLINGS, MERKLE_DIGEST, MERKLE_ROOT
 */
export function verifyMultiProof(
  root: Uint8Array,
  depth: number,
  leaves: readonly OpenedLeaf[],
  siblings: readonly Uint8Array[],
): void {
  if (leaves.length === 0) throw new MerkleError('MERKLE_EMPTY', 'a multi-proof opens at least one leaf');
  let indices = leaves.map((leaf) => leaf.index);
  const needed = siblingCount(depth, indices);
  if (siblings.length !== needed) {
    throw new MerkleError('MERKLE_SIBLINGS', `the multi-proof needs ${needed} siblings and has ${siblings.length}`);
  }
  siblings.forEach(checkDigest);
  let digests = leaves.map((leaf) => checkDigest(leaf.digest));
  let used = 0;
  for (let level = 0; level < depth; level++) {
    const parents: number[] = [];
    const nodes: Uint8Array[] = [];
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i];
      parents.push(Math.floor(index / 2));
      if (index % 2 === 1) nodes.push(compressPair(siblings[used++], digests[i]));
      else if (indices[i + 1] === index + 1) nodes.push(compressPair(digests[i], digests[++i]));
      else nodes.push(compressPair(digests[i], siblings[used++]));
    }
    indices = parents;
    digests = nodes;
  }
  if (checkDigest(root).some((byte, i) => byte !== digests[0][i])) {
    throw new MerkleError('MERKLE_ROOT', 'the opened leaves and siblings lead to another root');
  }
}
