/** The Merkle tree of a batch of records, in the format of `anchorBatch` in `contracts/IAdapterRegistry.sol`. */
import { concat, keccak256, numberToHex, stringToHex, type Hex } from 'viem';

import { BatchError } from './errors.ts';

const LEAF = keccak256(stringToHex('zkLoRA.batch.leaf.v1'));
const NODE = keccak256(stringToHex('zkLoRA.batch.node.v1'));
const PADDING = `0x${'00'.repeat(32)}` as const;

/** The most records that the contract can count. */
const MOST = 2 ** 32 - 1;

/** A batch's root and, for each record in order, its proof. */
export interface Batch {
  /** 32 bytes. */
  readonly root: Hex;
  /** For each index the siblings from the leaf's upwards, ⌈log2 count⌉ of 32 bytes. */
  readonly proofs: readonly (readonly Hex[])[];
}

/** Depth of the tree of `count` leaves: ⌈log2 count⌉. */
export function batchDepth(count: number): number {
  return Math.ceil(Math.log2(count));
}

function leafOf(id: Hex, index: number): Hex {
  return keccak256(concat([LEAF, numberToHex(index, { size: 32 }), id]));
}

function nodeOf(left: Hex, right: Hex): Hex {
  return keccak256(concat([NODE, left, right]));
}

/**
 * The tree over record ids in their order.
 * @param ids 32 bytes each, see `adapterRecordId`; at least one, all different
 * @throws BatchError for no ids, more than 2^32 - 1, or one twice
 */
export function batchOf(ids: readonly Hex[]): Batch {
  if (ids.length === 0 || ids.length > MOST)
    throw new BatchError(`a batch has 1 to ${MOST} records, not ${ids.length}`);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw new BatchError(`the record ${repeated} is in the batch twice`);
  const depth = batchDepth(ids.length);
  const leaves = ids.map(leafOf);
  const rows = [[...leaves, ...Array<Hex>(2 ** depth - leaves.length).fill(PADDING)]];
  for (let level = 0; level < depth; level++) {
    const below = rows[level];
    rows.push(Array.from({ length: below.length / 2 }, (_, i) => nodeOf(below[2 * i], below[2 * i + 1])));
  }
  const proofs = ids.map((_, index) => rows.slice(0, depth).map((row, level) => row[(index >> level) ^ 1]));
  return { root: rows[depth][0], proofs };
}

/** Whether `id` is the leaf at `index` of the batch of `count` records; the contract's `verifyInclusion` without its state. */
export function inBatch(root: Hex, count: number, index: number, id: Hex, proof: readonly Hex[]): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= count || proof.length !== batchDepth(count)) return false;
  const top = proof.reduce<Hex>(
    (hash, sibling, level) => ((index >> level) & 1 ? nodeOf(sibling, hash) : nodeOf(hash, sibling)),
    leafOf(id, index),
  );
  return top === root;
}
