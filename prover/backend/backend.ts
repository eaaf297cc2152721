/**
 * The operations that a prover's heavy parts are made of. `cpu.ts` is the reference, `webgpu.ts` the product; both give
 * the same canonical values. A backend never sees a transcript: buffers and challenges in, buffers and values out.
 *
 * Conventions
 * - F_p elements are canonical; F_p² elements are pairs (c0, c1), stored interleaved.
 * - A vector is a *prefix* of a table over {0,1}^n: index bit i ↔ variable i, entries beyond `length` are zero
 *   (or, where said, one). Lengths need not be powers of two.
 * - Variables are bound from the lowest index bit up: fold(v, r)[i] = v[2i] + r·(v[2i+1] − v[2i]), length ⌈length/2⌉.
 */
import type { Ext } from '../../protocol/extension.ts';

/** u32 cells of a committed stack (or a table's column), on the device. */
export interface Cells {
  readonly length: number;
}

/** F_p² elements on the device. */
export interface ExtVec {
  readonly length: number;
}

/** One digit of a mixed-radix index, lowest first: `size` real values inside 2^bits index values. */
export interface Digit {
  readonly size: number;
  readonly bits: number;
}

/** A source of `bind`: coef · cells[base + Σ digit·stride], or the constant `coef` where `cells` is null. */
export interface BindPart {
  readonly cells: Cells | null;
  readonly coef: Ext;
  readonly base: number;
  readonly keptStrides: readonly number[];
  readonly boundStrides: readonly number[];
}

/**
 * out[j] = Σ_u weights[u] · Σ_parts coef·cells[base + Σ_k kept_k(j)·keptStride_k + Σ_k bound_k(u)·boundStride_k],
 * j over 2^(Σ kept bits), u over 2^(Σ bound bits); zero (and no read) where any digit is ≥ its size.
 * `weights` has length 2^(Σ bound bits) (one entry, usually 1, when nothing is bound).
 */
export interface BindSpec {
  readonly kept: readonly Digit[];
  readonly bound: readonly Digit[];
  readonly weights: readonly Ext[];
  readonly parts: readonly BindPart[];
}

/** Column of a lookup leaf: coef · cells[base + (i >> shift)], or coef · i where `cells` is null; i counts from 0 in its region. */
export interface LeafColumn {
  readonly cells: Cells | null;
  readonly base: number;
  readonly shift: number;
  readonly coef: Ext;
}

/**
 * Leaves start … start+length−1 of a fractional sum: denominator `constant − Σ columns`; numerator 1 ('one'),
 * −cells[base + i] ({cells, base}), or 1 where column index ≤ row index and 0 elsewhere ({causal: log₂S}: j = i mod S,
 * row = ⌊i/S⌋ mod S, 1 iff j ≤ row). Leaves in no region are 0/1.
 */
export interface LeafRegion {
  readonly start: number;
  readonly length: number;
  readonly constant: Ext;
  readonly columns: readonly LeafColumn[];
  readonly numerator: 'one' | { readonly cells: Cells; readonly base: number } | { readonly causal: number };
}

/** Numerators and denominators of one layer; beyond `length` entries are 0 and 1. */
export interface Fractions {
  readonly p: ExtVec;
  readonly q: ExtVec;
  readonly length: number;
}

/** Sumcheck side: element-wise tables, round polynomials, folds. */
export interface TableOps {
  uploadCells(data: Uint32Array): Cells;
  /** Interleaved c0, c1. */
  uploadExt(values: readonly Ext[]): ExtVec;
  downloadExt(v: ExtVec): Promise<Ext[]>;
  /** A vector of zeros. */
  zeros(length: number): ExtVec;
  free(...vectors: (ExtVec | Cells)[]): void;

  /** scale · eq(point, ·), length 2^point.length; index bit i ↔ point[i]. */
  eqTable(point: readonly Ext[], scale: Ext): ExtVec;
  /** out[i] = v[2i] + v[2i+1]. In place where possible; the argument is consumed. */
  sumPairs(v: ExtVec): ExtVec;
  /** Lifts cells into F_p². */
  cellsToExt(cells: Cells, start: number, length: number): ExtVec;
  bind(spec: BindSpec): ExtVec;
  /** target[base + i·|lo| + j] += hi[i]·lo[j]. */
  addOuter(target: ExtVec, base: number, hi: readonly Ext[], lo: readonly Ext[]): void;
  /** target[base + i] += coef · v[i]. */
  addScaled(target: ExtVec, base: number, v: ExtVec, coef: Ext): void;

  /**
   * For every term (a list of 1 to 5 vectors of one length n) the sums over pairs
   * Σ_i Π_f (v_f[2i] + X·(v_f[2i+1] − v_f[2i])) at X = 0, 1, …, number of factors. One read-back for all terms.
   * A vector may occur in several terms. n ≥ 1; a missing odd partner is zero.
   */
  productRound(terms: readonly (readonly ExtVec[])[]): Promise<Ext[][]>;
  /** Folds each (distinct) vector by r; the arguments are consumed, results in the same order. */
  fold(vectors: readonly ExtVec[], r: Ext): ExtVec[];

  /** Leaves of a fractional sum of `length` leaves; regions don't overlap. */
  leaves(length: number, regions: readonly LeafRegion[]): Fractions;
  /** Next layer up: p' = p0·q1 + p1·q0, q' = q0·q1 over pairs (2i, 2i+1). Keeps its argument. */
  layerUp(layer: Fractions): Fractions;
  /**
   * Round of the layer sumcheck. `state` holds a layer whose index is (x, b), b the lowest bit: p_b(x) = p[2x+b].
   * `eq` is the table over the variables after x's lowest one (index x >> 1). Returns h(0) and the coefficient of X²,
   * of h(X) = Σ_{x'} eq[x'] · (p0·q1 + p1·q0 + λ·q0·q1)(X, x'), where p_b(X, x') interpolates p_b(2x'), p_b(2x'+1).
   * Only pairs with at least one index below the real length are summed here; entries beyond `length` are p = 0, q = 1.
   * The closed form of pairs wholly beyond it (each gives eq[x']·λ to h(0), nothing to X²) is added by this call too:
   * eq covers the whole cube, so the tail is λ·Σ_{x' beyond} eq[x'].
   */
  fractionRound(state: Fractions, eq: ExtVec, lambda: Ext): Promise<[Ext, Ext]>;
  /** Binds x's lowest variable of all four tables to r: new[2x'+b] = old[4x'+b] + r(old[4x'+2+b] − old[4x'+b]). Consumes `state`. */
  foldFractions(state: Fractions, r: Ext): Fractions;
}

/** A committed matrix: `columns` polynomials of 2^logHeight coefficients, evaluated on the subgroup of order 2^(logHeight+logInvRate). */
export interface CommittedMatrix {
  readonly root: Uint8Array;
  readonly logHeight: number;
  readonly columns: number;
  readonly logInvRate: number;
}

/** Opened leaves, in the order asked: leaf values as F_p elements, and the sibling nodes of the multi-proof. */
export interface OpenedLeaves {
  /** leaves[i] holds the words of leaf i: matrix: `columns` base elements; ext vector: 2^logFold pairs c0, c1. */
  readonly leaves: BigUint64Array[];
  /** Sibling digests in the order of protocol/merkle.ts. */
  readonly siblings: Uint8Array[];
}

export interface CommittedExt {
  readonly root: Uint8Array;
  readonly logLength: number;
  readonly logInvRate: number;
  readonly logFold: number;
}

/** Encoding side: Reed–Solomon encoding, hashing, opening. */
export interface CodeOps {
  /**
   * Column c holds cells[c·2^logHeight + i] as coefficients i (zero beyond cells.length). Leaf j is the row
   * (f_c(ω^j))_c, j < 2^(logHeight+logInvRate), ω = rootOfUnity(logHeight+logInvRate).
   */
  commitCells(cells: Cells, logHeight: number, logInvRate: number): Promise<CommittedMatrix>;
  openMatrix(matrix: CommittedMatrix, indices: readonly number[]): Promise<OpenedLeaves>;
  /** out[i] = Σ_c weights[c]·cells[c·2^logHeight + i], length 2^logHeight. */
  combineColumns(cells: Cells, logHeight: number, weights: readonly Ext[]): ExtVec;
  /**
   * Coefficients v[i] (zero beyond v.length, up to 2^logLength) evaluated on the subgroup of order n = 2^(logLength+logInvRate).
   * Leaf j < n/2^logFold holds f(ω^(j + i·n/2^logFold)) for i = 0 … 2^logFold−1.
   */
  commitExt(v: ExtVec, logLength: number, logInvRate: number, logFold: number): Promise<CommittedExt>;
  openExt(committed: CommittedExt, indices: readonly number[]): Promise<OpenedLeaves>;
  /** target[base + i] += Σ_k coefs[k]·points[k]^i for i < length (points in F_p). */
  addPowers(target: ExtVec, base: number, length: number, points: readonly bigint[], coefs: readonly Ext[]): void;
  release(...committed: (CommittedMatrix | CommittedExt)[]): void;
}

export interface Backend extends TableOps, CodeOps {
  readonly name: string;
  close(): void;
}
