/** Reference of the encoding side: every formula of backend.ts as it stands, in BigInt. */
import * as F from '../../protocol/extension.ts';
import type { Ext } from '../../protocol/extension.ts';
import { mul } from '../../protocol/field.ts';
import { DIGEST_BYTES } from '../../protocol/hash.ts';
import { leafDigest } from '../../protocol/merkle.ts';
import type { Cells, CodeOps, CommittedExt, CommittedMatrix, ExtVec, OpenedLeaves } from './backend.ts';
import { checkCount, checkDomain, checkExtCode, columnCount } from './code-specs.ts';
import { evaluateOnSubgroup } from './cpu-ntt.ts';
import { CpuExtVec, cpuCells, cpuExt, zeroValues } from './cpu-vectors.ts';
import { MerkleTree } from './merkle-tree.ts';
import { VectorError, checkRange } from './vector-error.ts';

/** A whole codeword in memory with its tree. */
class Codeword {
  readonly rows: BigUint64Array[];
  readonly tree: MerkleTree;

  constructor(rows: BigUint64Array[]) {
    const digests = new Uint8Array(rows.length * DIGEST_BYTES);
    rows.forEach((row, j) => digests.set(leafDigest(row), j * DIGEST_BYTES));
    this.rows = rows;
    this.tree = new MerkleTree(digests);
  }

  open(indices: readonly number[]): OpenedLeaves {
    const siblings = this.tree.siblings(indices);
    return { leaves: indices.map((j) => this.rows[j].slice()), siblings };
  }
}

export class CpuCode implements CodeOps {
  readonly #codewords = new WeakMap<CommittedMatrix | CommittedExt, Codeword>();

  #codeword(committed: CommittedMatrix | CommittedExt): Codeword {
    const codeword = this.#codewords.get(committed);
    if (codeword === undefined) throw new VectorError('RELEASED', 0, 'a commitment released, or of another backend');
    return codeword;
  }

  // async, so that misuse rejects here as it does on the GPU.
  async commitCells(cells: Cells, logHeight: number, logInvRate: number): Promise<CommittedMatrix> {
    checkDomain(cells, logHeight, logInvRate);
    const columns = columnCount(cells, logHeight);
    const height = 2 ** logHeight;
    const data = cpuCells(cells).data;
    const values = Array.from({ length: columns }, (_, c) =>
      evaluateOnSubgroup(Array.from(data.subarray(c * height, (c + 1) * height), BigInt), logHeight + logInvRate),
    );
    const rows = values[0].map((_, j) => BigUint64Array.from(values, (column) => column[j]));
    const codeword = new Codeword(rows);
    const matrix: CommittedMatrix = { root: codeword.tree.root, logHeight, columns, logInvRate };
    this.#codewords.set(matrix, codeword);
    return matrix;
  }

  async openMatrix(matrix: CommittedMatrix, indices: readonly number[]): Promise<OpenedLeaves> {
    return this.#codeword(matrix).open(indices);
  }

  combineColumns(cells: Cells, logHeight: number, weights: readonly Ext[]): ExtVec {
    checkCount(cells, 'columns', columnCount(cells, logHeight), weights.length);
    const height = 2 ** logHeight;
    const out = zeroValues(height);
    cpuCells(cells).data.forEach((cell, at) => {
      out[at % height] = F.add(out[at % height], F.scale(weights[Math.floor(at / height)], BigInt(cell)));
    });
    return new CpuExtVec(out);
  }

  async commitExt(v: ExtVec, logLength: number, logInvRate: number, logFold: number): Promise<CommittedExt> {
    checkExtCode(v, logLength, logInvRate, logFold);
    const logSize = logLength + logInvRate;
    const [c0, c1] = [0, 1].map((part) =>
      evaluateOnSubgroup(
        cpuExt(v).values.map((x) => x[part]),
        logSize,
      ),
    );
    const leaves = 2 ** (logSize - logFold);
    const rows = Array.from({ length: leaves }, (_, j) => {
      const points = Array.from({ length: 2 ** logFold }, (_, i) => j + i * leaves);
      return BigUint64Array.from(points.flatMap((point) => [c0[point], c1[point]]));
    });
    const codeword = new Codeword(rows);
    const committed: CommittedExt = { root: codeword.tree.root, logLength, logInvRate, logFold };
    this.#codewords.set(committed, codeword);
    return committed;
  }

  async openExt(committed: CommittedExt, indices: readonly number[]): Promise<OpenedLeaves> {
    return this.#codeword(committed).open(indices);
  }

  addPowers(target: ExtVec, base: number, length: number, points: readonly bigint[], coefs: readonly Ext[]): void {
    checkRange(target, base, length);
    checkCount(target, 'points', points.length, coefs.length);
    const values = cpuExt(target).values;
    points.forEach((point, k) => {
      for (let i = 0, power = 1n; i < length; i++, power = mul(power, point)) {
        values[base + i] = F.add(values[base + i], F.scale(coefs[k], power));
      }
    });
  }

  release(...committed: (CommittedMatrix | CommittedExt)[]): void {
    for (const c of committed) this.#codewords.delete(c);
  }
}
