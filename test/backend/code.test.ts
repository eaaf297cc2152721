/** The encoding side: the GPU's kernels and the CPU reference agree bit for bit, and the protocol's verifier accepts both. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MerkleError } from '../../protocol/errors.ts';
import { P, pow, rootOfUnity } from '../../protocol/field.ts';
import { leafDigest, verifyMultiProof } from '../../protocol/merkle.ts';
import type { OpenedLeaves } from '../../prover/backend/backend.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import { type GpuDevice, openDevice } from '../../prover/backend/device.ts';
import { type CodeMemory, GpuCode } from '../../prover/backend/gpu-code.ts';
import { GpuQueue } from '../../prover/backend/gpu-queue.ts';
import { GpuVectors } from '../../prover/backend/gpu-vectors.ts';
import { rootPowers } from '../../prover/backend/root-logs.ts';
import { VectorError } from '../../prover/backend/vector-error.ts';
import { cellsOf, elementsOf, extsOf } from './code-samples.ts';

const cpu = createCpuBackend();
let gpu: GpuDevice;
let queue: GpuQueue;

beforeAll(async () => {
  gpu = await openDevice();
  queue = new GpuQueue(gpu);
});
afterAll(() => gpu.close());

/** Vectors in chunks of 2^chunkLog F_p² elements, and codewords within these bounds. */
function gpuCode(chunkLog?: number, memory?: CodeMemory) {
  const vectors = new GpuVectors(queue, chunkLog);
  return { vectors, code: new GpuCode(vectors, memory) };
}

/** First, last and a few leaves between, with neighbours. */
function someIndices(size: number): number[] {
  const wanted = [0, 1, 5, 6, 7, size >> 1, size - 2, size - 1];
  return [...new Set(wanted)].filter((i) => i >= 0 && i < size).toSorted((a, b) => a - b);
}

function expectVerified(root: Uint8Array, depth: number, indices: number[], { leaves, siblings }: OpenedLeaves) {
  const opened = indices.map((index, i) => ({ index, digest: leafDigest(leaves[i]) }));
  expect(() => verifyMultiProof(root, depth, opened, siblings)).not.toThrow();
}

/** [chunkLog, memory] of a device where all fits, and of one where next to nothing does. */
const SIZES: [string, number | undefined, CodeMemory][] = [
  ['whole', undefined, {}],
  ['in tiny chunks, streamed', 4, { codewordBytes: 2 ** 13 }],
  ['in tiny chunks and blocks, kept', 4, { blockBytes: 2 ** 13 }],
];

describe.each(SIZES)('%s', (_name, chunkLog, memory) => {
  test.each([
    [1, 0, 0],
    [5, 0, 1],
    [4, 2, 0],
    [7, 2, 1],
    [9, 1, 3],
    [37, 3, 1],
    [63, 4, 2],
    [65, 4, 1],
    [200, 4, 4],
    [1000, 5, 1],
    [900, 6, 4],
    [127, 7, 1],
    [3001, 7, 2],
  ])('commitCells of %i cells, 2^%i a column, rate 2^-%i', async (length, logHeight, logInvRate) => {
    const { vectors, code } = gpuCode(chunkLog, memory);
    const data = cellsOf(length, length);
    const expected = await cpu.commitCells(cpu.uploadCells(data), logHeight, logInvRate);
    const matrix = await code.commitCells(vectors.uploadCells(data), logHeight, logInvRate);
    expect(matrix).toEqual(expected);
    const depth = logHeight + logInvRate;
    const indices = someIndices(2 ** depth);
    const opened = await code.openMatrix(matrix, indices);
    expect(opened).toEqual(await cpu.openMatrix(expected, indices));
    expectVerified(matrix.root, depth, indices, opened);
    code.release(matrix);
  });

  test.each([
    [1, 0, 0, 0],
    [1, 0, 3, 2],
    [7, 3, 2, 2],
    [8, 3, 2, 0],
    [16, 4, 1, 5],
    [31, 5, 2, 1],
    [100, 7, 2, 4],
    [129, 8, 1, 3],
    [257, 9, 2, 4],
  ])(
    'commitExt of %i coefficients, up to 2^%i, rate 2^-%i, leaves of 2^%i',
    async (length, logLength, logInvRate, logFold) => {
      const { vectors, code } = gpuCode(chunkLog, memory);
      const values = extsOf(length, length);
      const expected = await cpu.commitExt(cpu.uploadExt(values), logLength, logInvRate, logFold);
      const committed = await code.commitExt(vectors.uploadExt(values), logLength, logInvRate, logFold);
      expect(committed).toEqual(expected);
      const depth = logLength + logInvRate - logFold;
      const indices = someIndices(2 ** depth);
      const opened = await code.openExt(committed, indices);
      expect(opened).toEqual(await cpu.openExt(expected, indices));
      expectVerified(committed.root, depth, indices, opened);
      code.release(committed);
    },
  );

  test.each([
    [1, 0],
    [5, 0],
    [11, 1],
    [12, 2],
    [41, 3],
    [70, 1],
    [300, 5],
    [1000, 8],
  ])('combineColumns of %i cells, 2^%i a column', async (length, logHeight) => {
    const { vectors, code } = gpuCode(chunkLog, memory);
    const data = cellsOf(length, 2);
    const weights = extsOf(Math.ceil(length / 2 ** logHeight), 3);
    const expected = cpu.combineColumns(cpu.uploadCells(data), logHeight, weights);
    const sum = code.combineColumns(vectors.uploadCells(data), logHeight, weights);
    expect(sum.length).toBe(2 ** logHeight);
    expect(await vectors.downloadExt(sum)).toEqual(await cpu.downloadExt(expected));
  });

  test.each([
    [1, 0, 1, 1],
    [10, 3, 7, 5],
    [100, 0, 100, 3],
    [1000, 17, 900, 6],
    [600, 1, 599, 70],
  ])('addPowers to %i elements from %i on, %i of them, %i points', async (length, base, count, points) => {
    const { vectors, code } = gpuCode(chunkLog, memory);
    const start = extsOf(length, 4);
    const z = elementsOf(points, 5);
    const coefs = extsOf(points, 6);
    const expected = cpu.uploadExt(start);
    cpu.addPowers(expected, base, count, z, coefs);
    const target = vectors.uploadExt(start);
    code.addPowers(target, base, count, z, coefs);
    expect(await vectors.downloadExt(target)).toEqual(await cpu.downloadExt(expected));
  });

  test.each([
    [300, 0, 300, 8, 40],
    [100, 3, 90, 5, 33],
    [64, 1, 63, 0, 20],
    [500, 7, 400, 10, 60],
  ])(
    'addPowers of roots of unity: %i elements, from %i on, %i of them, order 2^%i, %i points',
    async (length, base, count, logOrder, points) => {
      const { vectors, code } = gpuCode(chunkLog, memory);
      const start = extsOf(length, 4);
      const z = elementsOf(points, 5).map((j) => pow(rootOfUnity(logOrder), j));
      const coefs = extsOf(points, 6);
      const expected = cpu.uploadExt(start);
      cpu.addPowers(expected, base, count, z, coefs);
      const target = vectors.uploadExt(start);
      code.addPowers(target, base, count, z, coefs);
      expect(await vectors.downloadExt(target)).toEqual(await cpu.downloadExt(expected));
    },
  );
});

test('rootPowers finds the exponents of roots of unity and nothing else', () => {
  const indices = [0, 1, 2, 777, 1023];
  const points = indices.map((j) => pow(rootOfUnity(10), BigInt(j)));
  expect(rootPowers(points, 10)).toEqual({ logOrder: 10, indices });
  expect(rootPowers(points, 9)).toBeNull();
  expect(rootPowers([...points, 3n], 10)).toBeNull();
  expect(rootPowers([0n], 10)).toBeNull();
  expect(rootPowers([1n], 10)).toEqual({ logOrder: 0, indices: [0] });
});

test('sums of the largest products are exact', async () => {
  const { vectors, code } = gpuCode();
  const data = new Uint32Array(4 * 300).fill(0xffffffff);
  const weights = Array.from({ length: 300 }, () => [P - 1n, P - 1n] as const);
  const sum = await vectors.downloadExt(code.combineColumns(vectors.uploadCells(data), 2, weights));
  expect(sum).toEqual(await cpu.downloadExt(cpu.combineColumns(cpu.uploadCells(data), 2, weights)));
  const target = vectors.zeros(5);
  code.addPowers(target, 0, 5, Array<bigint>(300).fill(P - 1n), weights);
  const expected = cpu.zeros(5);
  cpu.addPowers(expected, 0, 5, Array<bigint>(300).fill(P - 1n), weights);
  expect(await vectors.downloadExt(target)).toEqual(await cpu.downloadExt(expected));
});

test('commitments live side by side, and a released one is gone', async () => {
  const { vectors, code } = gpuCode(undefined, { codewordBytes: 2 ** 14 });
  const cells = vectors.uploadCells(cellsOf(400, 1));
  const [first, second] = [await code.commitCells(cells, 6, 2), await code.commitCells(cells, 6, 1)];
  const before = await code.openMatrix(first, [3]);
  code.release(second);
  const third = await code.commitCells(cells, 6, 2);
  expect(third).toEqual(first);
  expect(await code.openMatrix(first, [3])).toEqual(before);
  await expect(code.openMatrix(second, [3])).rejects.toThrow(VectorError);
});

test('refuses what the CPU reference refuses', async () => {
  const { vectors, code } = gpuCode();
  const cells = vectors.uploadCells(cellsOf(8, 1));
  const matrix = await code.commitCells(cells, 2, 1);
  await expect(code.openMatrix(matrix, [3, 1])).rejects.toThrow(MerkleError);
  await expect(code.openMatrix(matrix, [8])).rejects.toThrow(MerkleError);
  await expect(code.commitCells(cells, 31, 2)).rejects.toThrow(VectorError);
  await expect(code.commitCells(vectors.uploadCells(new Uint32Array(0)), 2, 1)).rejects.toThrow(VectorError);
  await expect(code.commitExt(vectors.uploadExt(extsOf(9, 2)), 3, 1, 1)).rejects.toThrow(VectorError);
  expect(() => code.combineColumns(cells, 2, extsOf(3, 1))).toThrow(VectorError);
  expect(() => code.addPowers(vectors.zeros(3), 1, 3, [1n], extsOf(1, 1))).toThrow(VectorError);
});
