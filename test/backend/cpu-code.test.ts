/** The CPU reference of the encoding side against its definitions: Horner evaluation and the protocol's own verifier. */
import { describe, expect, test } from 'vitest';

import * as F from '../../protocol/extension.ts';
import { add, mul, pow, rootOfUnity } from '../../protocol/field.ts';
import { MerkleError } from '../../protocol/errors.ts';
import { leafDigest, verifyMultiProof } from '../../protocol/merkle.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import { VectorError } from '../../prover/backend/vector-error.ts';
import { cellsOf, extsOf } from './code-samples.ts';

const cpu = createCpuBackend();

function horner(coefficients: readonly bigint[], x: bigint): bigint {
  return coefficients.reduceRight((sum, c) => add(mul(sum, x), c), 0n);
}

const leavesOf = (indices: number[], rows: BigUint64Array[]) =>
  indices.map((index, i) => ({ index, digest: leafDigest(rows[i]) }));

describe('commitCells', () => {
  test.each([
    [1, 0, 0],
    [5, 0, 1],
    [37, 3, 1],
    [64, 4, 2],
  ])('%i cells in columns of 2^%i at rate 2^-%i open to evaluations', async (length, logHeight, logInvRate) => {
    const data = cellsOf(length, 3);
    const matrix = await cpu.commitCells(cpu.uploadCells(data), logHeight, logInvRate);
    const logSize = logHeight + logInvRate;
    const height = 2 ** logHeight;
    expect(matrix.columns).toBe(Math.ceil(length / height));
    const indices = Array.from({ length: 2 ** logSize }, (_, j) => j).filter((j) => j % 3 !== 1);
    const { leaves, siblings } = await cpu.openMatrix(matrix, indices);
    indices.forEach((j, k) => {
      const x = pow(rootOfUnity(logSize), BigInt(j));
      const expected = Array.from({ length: matrix.columns }, (_, c) =>
        horner(Array.from(data.subarray(c * height, (c + 1) * height), BigInt), x),
      );
      expect([...leaves[k]]).toEqual(expected);
    });
    expect(() => verifyMultiProof(matrix.root, logSize, leavesOf(indices, leaves), siblings)).not.toThrow();
  });

  test('refuses unsorted openings, empty stacks and released commitments', async () => {
    const matrix = await cpu.commitCells(cpu.uploadCells(cellsOf(8, 1)), 2, 1);
    await expect(cpu.openMatrix(matrix, [3, 1])).rejects.toThrow(MerkleError);
    await expect(cpu.openMatrix(matrix, [8])).rejects.toThrow(MerkleError);
    await expect(cpu.openMatrix(matrix, [1, 3])).resolves.toBeDefined();
    cpu.release(matrix);
    await expect(cpu.openMatrix(matrix, [1, 3])).rejects.toThrow(VectorError);
    await expect(cpu.commitCells(cpu.uploadCells(new Uint32Array(0)), 2, 1)).rejects.toThrow(VectorError);
    await expect(cpu.commitCells(cpu.uploadCells(cellsOf(8, 1)), 31, 2)).rejects.toThrow(VectorError);
  });
});

describe('commitExt', () => {
  test.each([
    [1, 0, 0, 0],
    [7, 3, 2, 2],
    [16, 4, 1, 5],
  ])(
    '%i coefficients (2^%i, rate 2^-%i, fold 2^%i) open to evaluations',
    async (length, logLength, logInvRate, logFold) => {
      const values = extsOf(length, 5);
      const committed = await cpu.commitExt(cpu.uploadExt(values), logLength, logInvRate, logFold);
      const logSize = logLength + logInvRate;
      const leafCount = 2 ** (logSize - logFold);
      const indices = Array.from({ length: leafCount }, (_, j) => j);
      const { leaves, siblings } = await cpu.openExt(committed, indices);
      for (const j of indices) {
        const expected = Array.from({ length: 2 ** logFold }, (_, i) => {
          const x = pow(rootOfUnity(logSize), BigInt(j + i * leafCount));
          return [0, 1].map((part) =>
            horner(
              values.map((v) => v[part]),
              x,
            ),
          );
        });
        expect([...leaves[j]]).toEqual(expected.flat());
      }
      expect(siblings).toEqual([]);
      expect(() => verifyMultiProof(committed.root, logSize - logFold, leavesOf(indices, leaves), [])).not.toThrow();
    },
  );

  test('refuses too many coefficients and folds larger than the domain', async () => {
    const v = cpu.uploadExt(extsOf(9, 2));
    await expect(cpu.commitExt(v, 3, 1, 1)).rejects.toThrow(VectorError);
    await expect(cpu.commitExt(v, 4, 1, 6)).rejects.toThrow(VectorError);
    await expect(cpu.commitExt(v, 4, 1, 5)).resolves.toBeDefined();
  });
});

test('combineColumns is the weighted sum of the columns', async () => {
  const data = cellsOf(11, 4);
  const weights = extsOf(3, 6);
  const sum = await cpu.downloadExt(cpu.combineColumns(cpu.uploadCells(data), 2, weights));
  for (let i = 0; i < 4; i++) {
    let expected = F.ZERO;
    for (let c = 0; c < 3; c++) expected = F.add(expected, F.mul(weights[c], F.lift(BigInt(data[4 * c + i] ?? 0))));
    expect(sum[i]).toEqual(expected);
  }
  expect(() => cpu.combineColumns(cpu.uploadCells(data), 2, weights.slice(1))).toThrow(VectorError);
});

test('addPowers adds the powers of every point', async () => {
  const start = extsOf(6, 8);
  const points = [0n, 1n, rootOfUnity(32)];
  const coefs = extsOf(3, 9);
  const target = cpu.uploadExt(start);
  cpu.addPowers(target, 2, 3, points, coefs);
  const sum = await cpu.downloadExt(target);
  sum.forEach((value, at) => {
    let expected = start[at];
    if (at >= 2 && at < 5) {
      points.forEach((z, k) => (expected = F.add(expected, F.scale(coefs[k], pow(z, BigInt(at - 2))))));
    }
    expect(value).toEqual(expected);
  });
  expect(() => cpu.addPowers(target, 4, 3, points, coefs)).toThrow(VectorError);
});
