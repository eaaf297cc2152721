import { sha256 as reference } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';

import { MerkleError, type MerkleErrorCode } from '../../protocol/errors.ts';
import { compressPair } from '../../protocol/hash.ts';
import {
  type OpenedLeaf,
  leafDigest,
  siblingCount,
  siblingPositions,
  verifyMultiProof,
} from '../../protocol/merkle.ts';

const DEPTH = 4;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** levels[0] = leaf digests … levels[depth] = [root], built without the code under test's traversal. */
function buildLevels(depth: number): Uint8Array[][] {
  const levels = [Array.from({ length: 2 ** depth }, (_, i) => leafDigest([BigInt(i), 5n]))];
  for (let level = 0; level < depth; level++) {
    const below = levels[level];
    levels.push(Array.from({ length: below.length / 2 }, (_, i) => compressPair(below[2 * i], below[2 * i + 1])));
  }
  return levels;
}

function open(depth: number, indices: number[]) {
  const levels = buildLevels(depth);
  return {
    root: levels[depth][0],
    leaves: indices.map((index): OpenedLeaf => ({ index, digest: levels[0][index] })),
    siblings: siblingPositions(depth, indices).map(({ level, index }) => levels[level][index]),
  };
}

function refusal(action: () => void): MerkleErrorCode | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof MerkleError) return error.code;
    throw error;
  }
  return undefined;
}

const flipped = (digest: Uint8Array) => digest.map((byte, i) => (i === 31 ? byte ^ 1 : byte));

describe('leafDigest', () => {
  test('hashes the header block and big-endian elements', () => {
    const preimage = new Uint8Array(64 + 16);
    preimage.set(new TextEncoder().encode('zklora/leaf/v1'));
    preimage.set([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 64);
    preimage[79] = 3;
    expect(hex(leafDigest([0xffffffff00000000n, 3n]))).toBe(hex(reference(preimage)));
    expect(leafDigest(BigUint64Array.of(0xffffffff00000000n, 3n))).toEqual(leafDigest([0xffffffff00000000n, 3n]));
    preimage.set(new Uint8Array(16).fill(7), 32);
    expect(hex(leafDigest([0xffffffff00000000n, 3n], new Uint8Array(16).fill(7)))).toBe(hex(reference(preimage)));
  });

  test('refuses an empty row and a salt of another length', () => {
    expect(() => leafDigest([])).toThrow(RangeError);
    expect(() => leafDigest([1n], new Uint8Array(15))).toThrow(RangeError);
  });
});

describe('siblingPositions', () => {
  test('lists levels from the leaves up, each from left to right', () => {
    expect(siblingPositions(3, [1, 4, 5])).toEqual([
      { level: 0, index: 0 },
      { level: 1, index: 1 },
      { level: 1, index: 3 },
    ]);
    expect(siblingPositions(3, [0, 1, 2, 3, 4, 5, 6, 7])).toEqual([]);
    expect(siblingPositions(0, [0])).toEqual([]);
    expect(siblingCount(32, [2 ** 32 - 1])).toBe(32);
  });
});

describe('verifyMultiProof', () => {
  test('accepts every set of leaves of a small tree', () => {
    for (let set = 1; set < 256; set++) {
      const indices = Array.from({ length: 8 }, (_, i) => i).filter((i) => (set >> i) & 1);
      const { root, leaves, siblings } = open(3, indices);
      expect(
        refusal(() => verifyMultiProof(root, 3, leaves, siblings)),
        indices.join(),
      ).toBeUndefined();
    }
  });

  test('accepts a tree of one leaf', () => {
    const { root, leaves } = open(0, [0]);
    expect(refusal(() => verifyMultiProof(root, 0, leaves, []))).toBeUndefined();
    expect(refusal(() => verifyMultiProof(flipped(root), 0, leaves, []))).toBe('MERKLE_ROOT');
  });

  type Case = ReturnType<typeof open>;
  test.each<[string, MerkleErrorCode, (honest: Case) => Case]>([
    [
      'an altered leaf',
      'MERKLE_ROOT',
      (p) => ({ ...p, leaves: [{ ...p.leaves[0], digest: flipped(p.leaves[0].digest) }, ...p.leaves.slice(1)] }),
    ],
    [
      'an altered sibling',
      'MERKLE_ROOT',
      (p) => ({ ...p, siblings: [flipped(p.siblings[0]), ...p.siblings.slice(1)] }),
    ],
    [
      'an altered last sibling',
      'MERKLE_ROOT',
      (p) => ({ ...p, siblings: [...p.siblings.slice(0, -1), flipped(p.siblings.at(-1)!)] }),
    ],
    [
      'two swapped siblings',
      'MERKLE_ROOT',
      (p) => ({ ...p, siblings: [p.siblings[1], p.siblings[0], ...p.siblings.slice(2)] }),
    ],
    [
      'two swapped leaves',
      'MERKLE_ROOT',
      (p) => ({
        ...p,
        leaves: p.leaves.map((leaf, i) => ({ ...leaf, digest: p.leaves[i ^ 1]?.digest ?? leaf.digest })),
      }),
    ],
    [
      'a leaf under another index',
      'MERKLE_ROOT',
      (p) => ({ ...p, leaves: [{ ...p.leaves[0], index: 3 }, ...p.leaves.slice(1)] }),
    ],
    ['another root', 'MERKLE_ROOT', (p) => ({ ...p, root: flipped(p.root) })],
    ['a missing sibling', 'MERKLE_SIBLINGS', (p) => ({ ...p, siblings: p.siblings.slice(1) })],
    ['an extra sibling', 'MERKLE_SIBLINGS', (p) => ({ ...p, siblings: [...p.siblings, p.siblings[0]] })],
    ['a missing leaf', 'MERKLE_SIBLINGS', (p) => ({ ...p, leaves: p.leaves.slice(1) })],
    ['a duplicate index', 'MERKLE_ORDER', (p) => ({ ...p, leaves: [p.leaves[0], ...p.leaves] })],
    ['unsorted indices', 'MERKLE_ORDER', (p) => ({ ...p, leaves: p.leaves.toReversed() })],
    [
      'an index beyond the tree',
      'MERKLE_INDEX',
      (p) => ({ ...p, leaves: [...p.leaves.slice(0, -1), { ...p.leaves.at(-1)!, index: 16 }] }),
    ],
    [
      'a negative index',
      'MERKLE_INDEX',
      (p) => ({ ...p, leaves: [{ ...p.leaves[0], index: -1 }, ...p.leaves.slice(1)] }),
    ],
    [
      'a fractional index',
      'MERKLE_INDEX',
      (p) => ({ ...p, leaves: [{ ...p.leaves[0], index: 2.5 }, ...p.leaves.slice(1)] }),
    ],
    [
      'a short sibling',
      'MERKLE_DIGEST',
      (p) => ({ ...p, siblings: [p.siblings[0].subarray(1), ...p.siblings.slice(1)] }),
    ],
    [
      'a short leaf digest',
      'MERKLE_DIGEST',
      (p) => ({ ...p, leaves: [{ ...p.leaves[0], digest: new Uint8Array(31) }, ...p.leaves.slice(1)] }),
    ],
    ['a short root', 'MERKLE_DIGEST', (p) => ({ ...p, root: p.root.subarray(1) })],
    ['no leaf at all', 'MERKLE_EMPTY', (p) => ({ ...p, leaves: [], siblings: [] })],
  ])('refuses %s', (_name, code, tamper) => {
    const honest = open(DEPTH, [2, 6, 7, 13]);
    expect(
      refusal(() => verifyMultiProof(honest.root, DEPTH, honest.leaves, honest.siblings)),
      'control',
    ).toBeUndefined();
    const forged = tamper(honest);
    expect(refusal(() => verifyMultiProof(forged.root, DEPTH, forged.leaves, forged.siblings))).toBe(code);
  });

  test('refuses the same digests under another depth', () => {
    const honest = open(DEPTH, [0]);
    expect(
      refusal(() => verifyMultiProof(honest.root, DEPTH, honest.leaves, honest.siblings)),
      'control',
    ).toBeUndefined();
    expect(refusal(() => verifyMultiProof(honest.root, DEPTH + 1, honest.leaves, honest.siblings))).toBe(
      'MERKLE_SIBLINGS',
    );
    expect(refusal(() => verifyMultiProof(honest.root, DEPTH - 1, honest.leaves, honest.siblings))).toBe(
      'MERKLE_SIBLINGS',
    );
  });
});
