/** Reference of the sumcheck side: every formula of backend.ts as it stands, in BigInt. */
import * as F from '../../protocol/extension.ts';
import type { Ext } from '../../protocol/extension.ts';
import type { BindPart, BindSpec, Cells, Digit, ExtVec, Fractions, LeafRegion, TableOps } from './backend.ts';
import * as sums from './cpu-fractions.ts';
import { CpuCells, CpuExtVec, cpuCells, cpuExt, zeroValues } from './cpu-vectors.ts';
import { checkBind, checkTerms, indexSpace } from './table-specs.ts';
import { checkRange } from './vector-error.ts';

/** Σ digit·stride of a mixed-radix index, or null where a digit is at or above its size. */
function offset(index: number, digits: readonly Digit[], strides: readonly number[]): number | null {
  let rest = index;
  let sum = 0;
  for (const [k, { size, bits }] of digits.entries()) {
    const digit = rest % 2 ** bits;
    if (digit >= size) return null;
    sum += digit * strides[k];
    rest = Math.floor(rest / 2 ** bits);
  }
  return sum;
}

/** Pairs (2i, 2i+1) of a vector; a missing odd partner is zero. */
function pairs(v: ExtVec): [Ext, Ext][] {
  const values = cpuExt(v).values;
  return Array.from({ length: Math.ceil(values.length / 2) }, (_, i) => [values[2 * i], values[2 * i + 1] ?? F.ZERO]);
}

function interpolate(a: Ext, b: Ext, r: Ext): Ext {
  return F.add(a, F.mul(r, F.sub(b, a)));
}

export class CpuTables implements TableOps {
  uploadCells(data: Uint32Array): Cells {
    return new CpuCells(data.slice());
  }

  uploadExt(values: readonly Ext[]): ExtVec {
    return new CpuExtVec([...values]);
  }

  downloadExt(v: ExtVec): Promise<Ext[]> {
    return Promise.resolve([...cpuExt(v).values]);
  }

  zeros(length: number): ExtVec {
    return new CpuExtVec(zeroValues(length));
  }

  free(...vectors: (ExtVec | Cells)[]): void {
    for (const v of vectors) (v instanceof CpuCells ? v : cpuExt(v)).release();
  }

  eqTable(point: readonly Ext[], scale: Ext): ExtVec {
    let table = [scale];
    for (const r of point) {
      const low = F.sub(F.ONE, r);
      table = [...table.map((x) => F.mul(x, low)), ...table.map((x) => F.mul(x, r))];
    }
    return new CpuExtVec(table);
  }

  sumPairs(v: ExtVec): ExtVec {
    const sum = new CpuExtVec(pairs(v).map(([a, b]) => F.add(a, b)));
    cpuExt(v).release();
    return sum;
  }

  cellsToExt(cells: Cells, start: number, length: number): ExtVec {
    checkRange(cells, start, length);
    return new CpuExtVec(Array.from(cpuCells(cells).data.subarray(start, start + length), (x) => F.lift(BigInt(x))));
  }

  bind(spec: BindSpec): ExtVec {
    checkBind(spec);
    const out = zeroValues(indexSpace(spec.kept));
    const value = (part: BindPart, j: number, u: number): Ext => {
      const kept = offset(j, spec.kept, part.keptStrides);
      const bound = offset(u, spec.bound, part.boundStrides);
      if (kept === null || bound === null) return F.ZERO;
      return part.cells === null
        ? part.coef
        : F.scale(part.coef, BigInt(cpuCells(part.cells).data[part.base + kept + bound]));
    };
    for (const j of out.keys())
      for (const part of spec.parts)
        spec.weights.forEach((weight, u) => {
          out[j] = F.add(out[j], F.mul(weight, value(part, j, u)));
        });
    return new CpuExtVec(out);
  }

  addOuter(target: ExtVec, base: number, hi: readonly Ext[], lo: readonly Ext[]): void {
    checkRange(target, base, hi.length * lo.length);
    const values = cpuExt(target).values;
    hi.forEach((x, i) => {
      lo.forEach((y, j) => {
        const at = base + i * lo.length + j;
        values[at] = F.add(values[at], F.mul(x, y));
      });
    });
  }

  addScaled(target: ExtVec, base: number, v: ExtVec, coef: Ext): void {
    checkRange(target, base, v.length);
    const values = cpuExt(target).values;
    cpuExt(v).values.forEach((x, i) => {
      values[base + i] = F.add(values[base + i], F.mul(coef, x));
    });
  }

  productRound(terms: readonly (readonly ExtVec[])[]): Promise<Ext[][]> {
    checkTerms(terms);
    const sumAt = (term: readonly ExtVec[], point: Ext): Ext => {
      const factors = term.map((v) => pairs(v).map(([a, b]) => interpolate(a, b, point)));
      return factors[0].reduce(
        (sum, _, i) =>
          F.add(
            sum,
            factors.reduce((x, f) => F.mul(x, f[i]), F.ONE),
          ),
        F.ZERO,
      );
    };
    return Promise.resolve(
      terms.map((term) => Array.from({ length: term.length + 1 }, (_, x) => sumAt(term, F.lift(BigInt(x))))),
    );
  }

  fold(vectors: readonly ExtVec[], r: Ext): ExtVec[] {
    const folded = vectors.map((v) => new CpuExtVec(pairs(v).map(([a, b]) => interpolate(a, b, r))));
    for (const v of vectors) cpuExt(v).release();
    return folded;
  }

  leaves(length: number, regions: readonly LeafRegion[]): Fractions {
    return sums.leaves(length, regions);
  }

  layerUp(layer: Fractions): Fractions {
    return sums.layerUp(layer);
  }

  // async, so that misuse rejects here as it does on the GPU.
  async fractionRound(state: Fractions, eq: ExtVec, lambda: Ext): Promise<[Ext, Ext]> {
    return sums.fractionRound(state, eq, lambda);
  }

  foldFractions(state: Fractions, r: Ext): Fractions {
    return sums.foldFractions(state, r);
  }
}
