/** Fractional sums on the CPU: leaves, layers, and the layer sumcheck (Papini and Haböck, ePrint 2023/1284). */
import * as F from '../../protocol/extension.ts';
import type { Ext } from '../../protocol/extension.ts';
import type { ExtVec, Fractions, LeafRegion } from './backend.ts';
import { CpuExtVec, cpuCells, cpuExt, zeroValues } from './cpu-vectors.ts';
import { checkRegions, foldedFractionsLength } from './table-specs.ts';
import { VectorError } from './vector-error.ts';

function fractions(p: Ext[], q: Ext[]): Fractions {
  return { p: new CpuExtVec(p), q: new CpuExtVec(q), length: p.length };
}

/** Reads entries of a layer: 0/1 beyond its length. */
function reader(layer: Fractions): (i: number) => { p: Ext; q: Ext } {
  const p = cpuExt(layer.p).values;
  const q = cpuExt(layer.q).values;
  return (i) => (i < layer.length ? { p: p[i], q: q[i] } : { p: F.ZERO, q: F.ONE });
}

function interpolate(a: Ext, b: Ext, r: Ext): Ext {
  return F.add(a, F.mul(r, F.sub(b, a)));
}

function numerator(region: LeafRegion, i: number): Ext {
  if (region.numerator === 'one') return F.ONE;
  if ('cells' in region.numerator)
    return F.lift(-BigInt(cpuCells(region.numerator.cells).data[region.numerator.base + i]));
  const side = 2 ** region.numerator.causal;
  return i % side <= Math.floor(i / side) % side ? F.ONE : F.ZERO;
}

function denominator(region: LeafRegion, i: number): Ext {
  let sum = region.constant;
  for (const { cells, base, shift, coef } of region.columns) {
    const value = cells === null ? i : cpuCells(cells).data[base + Math.floor(i / 2 ** shift)];
    sum = F.sub(sum, F.scale(coef, BigInt(value)));
  }
  return sum;
}

export function leaves(length: number, regions: readonly LeafRegion[]): Fractions {
  checkRegions(length, regions);
  const p = zeroValues(length);
  const q = new Array<Ext>(length).fill(F.ONE);
  for (const region of regions)
    for (let i = 0; i < region.length; i++) {
      p[region.start + i] = numerator(region, i);
      q[region.start + i] = denominator(region, i);
    }
  return fractions(p, q);
}

export function layerUp(layer: Fractions): Fractions {
  const at = reader(layer);
  const p: Ext[] = [];
  const q: Ext[] = [];
  for (let i = 0; i < layer.length; i += 2) {
    const [left, right] = [at(i), at(i + 1)];
    p.push(F.add(F.mul(left.p, right.q), F.mul(right.p, left.q)));
    q.push(F.mul(left.q, right.q));
  }
  return fractions(p, q);
}

/** h(X) at one pair of indices x = 2x', 2x'+1, without eq. */
function layerTerm(at: ReturnType<typeof reader>, x: number, point: Ext, lambda: Ext): Ext {
  const [a0, a1, b0, b1] = [at(4 * x), at(4 * x + 1), at(4 * x + 2), at(4 * x + 3)];
  const [p0, q0] = [interpolate(a0.p, b0.p, point), interpolate(a0.q, b0.q, point)];
  const [p1, q1] = [interpolate(a1.p, b1.p, point), interpolate(a1.q, b1.q, point)];
  return F.add(F.add(F.mul(p0, q1), F.mul(p1, q0)), F.mul(lambda, F.mul(q0, q1)));
}

export function fractionRound(state: Fractions, eq: ExtVec, lambda: Ext): [Ext, Ext] {
  const at = reader(state);
  const weights = cpuExt(eq).values;
  if (4 * weights.length < state.length) throw new VectorError('SHAPE', weights.length, 'eq shorter than the layer');
  const half = F.HALF;
  const minusOne = F.neg(F.ONE);
  let [constant, quadratic] = [F.ZERO, F.ZERO];
  weights.forEach((weight, x) => {
    const [h0, h1, h2] = [F.ZERO, F.ONE, minusOne].map((point) => layerTerm(at, x, point, lambda));
    constant = F.add(constant, F.mul(weight, h0));
    // (h(1) + h(−1))/2 − h(0) is the coefficient of X² of a quadratic h.
    quadratic = F.add(quadratic, F.mul(weight, F.sub(F.mul(half, F.add(h1, h2)), h0)));
  });
  return [constant, quadratic];
}

export function foldFractions(state: Fractions, r: Ext): Fractions {
  const at = reader(state);
  const p: Ext[] = [];
  const q: Ext[] = [];
  for (let i = 0; i < foldedFractionsLength(state.length); i++) {
    const low = 4 * Math.floor(i / 2) + (i % 2);
    const [a, b] = [at(low), at(low + 2)];
    p.push(interpolate(a.p, b.p, r));
    q.push(interpolate(a.q, b.q, r));
  }
  cpuExt(state.p).release();
  cpuExt(state.q).release();
  return fractions(p, q);
}
