/**
 * The verbs of a training program: relations (sums of products that vanish on every real index) and lookups, and the
 * operations that compute a witness for them.
 */
import type { Axis, Cells, Operand, Tensor } from './tensors.ts';

/**
 * coef · scale[axis index] · Π factors, summed over every axis of the factors that the relation's domain lacks.
 * No factor: the constant coef on every real index of the domain.
 */
export interface Term {
  readonly coef: bigint;
  readonly scale?: { readonly axis: string; readonly values: readonly bigint[] };
  readonly factors: readonly Operand[];
}

/** Σ terms = 0 over the integers at every index of the domain. */
export interface Relation {
  readonly name: string;
  readonly domain: readonly Axis[];
  readonly terms: readonly Term[];
}

/**
 * Token ties: witness cells equal data cells in the rows of each step. Σ coef·tensor[step, row, token] = data entry,
 * where the entry is `field` of the sampled row: labels[token], mask[token], or the input: first (token 0), labels[token−1].
 */
export interface DataTie {
  readonly name: string;
  readonly terms: readonly Term[];
  readonly domain: readonly Axis[];
  readonly entry: 'input' | 'label' | 'mask';
}

export type TableName = `exp${number}` | 'silu';

/** Every entry (columns[0], columns[1], columns[2]) is a row of the table; `causal`: only where the last axis ≤ the one before. */
export interface Lookup {
  readonly name: string;
  readonly table: TableName;
  /** Linear combinations: column 0 may subtract a tensor that lacks the last axis. All others share its axes. */
  readonly key: Tensor;
  readonly keyMinus: Tensor | null;
  readonly outputs: readonly [Tensor, Tensor];
  readonly causal: boolean;
}

/** When an operation runs: once a step before the layers, in each layer upwards, between, in each layer downwards, at the end. */
export type Scope = 'begin' | 'forward' | 'middle' | 'backward' | 'update';

/** out = Σ plus + sign · ⌊(Σ terms + bias) / divisor⌋; remainder = Σ terms + bias − divisor·⌊…⌋; complement = divisor − 1 − remainder. */
export interface ContractOp {
  readonly kind: 'contract';
  readonly name: string;
  readonly scope: Scope;
  readonly domain: readonly Axis[];
  readonly terms: readonly Term[];
  readonly plus: readonly Term[];
  readonly sign: 1n | -1n;
  readonly divisor: bigint;
  readonly bias: bigint;
  readonly out: Operand;
  readonly remainder: Tensor | null;
  readonly complement: Tensor | null;
}

/** root = isqrt(Σ terms), slack = Σ terms − root², coslack = 2·root − slack. */
export interface SqrtOp {
  readonly kind: 'sqrt';
  readonly name: string;
  readonly scope: Scope;
  readonly domain: readonly Axis[];
  readonly terms: readonly Term[];
  readonly root: Operand;
  readonly slack: Operand;
  readonly coslack: Operand;
}

/**
 * quotient = ⌊(Σ numerator) / d⌋ with d = Σ denominator (linear, positive), remainder = numerator − quotient·d,
 * complement = d − 1 − remainder.
 */
export interface DivideOp {
  readonly kind: 'divide';
  readonly name: string;
  readonly scope: Scope;
  readonly domain: readonly Axis[];
  readonly numerator: readonly Term[];
  readonly denominator: readonly Term[];
  readonly quotient: Operand;
  readonly remainder: Operand;
  readonly complement: Operand;
}

/**
 * Over the last axis of `score`: μ the smallest integer with Σ T(score − μ) ≤ 2^P, T(u) = round(2^P·exp(u/2^10));
 * p = T(score − μ), next = T(score − μ + 1), under = 2^P − Σ p, over = Σ next − 2^P − 1. Causal: entries with last
 * index > the one before are left out (p = next = 0). `shifted`, where given, receives score − μ.
 */
export interface SoftmaxOp {
  readonly kind: 'softmax';
  readonly name: string;
  readonly scope: Scope;
  readonly domain: readonly Axis[];
  readonly bits: number;
  readonly causal: boolean;
  readonly score: Tensor;
  readonly shifted: Tensor | null;
  readonly mu: Tensor;
  readonly p: Tensor;
  readonly next: Tensor;
  readonly under: Tensor;
  readonly over: Tensor;
}

/** value = silu(x), slope = silu'(x) from the table. */
export interface SiluOp {
  readonly kind: 'silu';
  readonly name: string;
  readonly scope: Scope;
  readonly domain: readonly Axis[];
  readonly x: Tensor;
  readonly value: Tensor;
  readonly slope: Tensor;
}

export type Operation = ContractOp | SqrtOp | DivideOp | SoftmaxOp | SiluOp;

export interface Program {
  readonly cells: readonly Cells[];
  readonly relations: readonly Relation[];
  readonly ties: readonly DataTie[];
  readonly lookups: readonly Lookup[];
  readonly operations: readonly Operation[];
  /** Tensors whose slices run from one segment's state to the next. */
  readonly chains: readonly Tensor[];
}
