import type { Target } from './adapter.ts';

/**
 * What a training program depends on: the model's shape, the run's hyper-parameters as integers, the scales and the
 * declared ranges. All of it is public and part of the statement.
 */

export interface ModelShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  /** Decimal strings, exact: "10000", "1e-05". */
  readonly ropeTheta: string;
  readonly rmsNormEps: string;
}

export interface LoraShape {
  readonly rank: number;
  /** 2^8·alpha/rank must be an integer of at most 2^12. */
  readonly alpha: number;
  readonly targets: readonly Target[];
}

/** Binary scales: a real x is the integer round(x·2^scale). */
export interface Scales {
  readonly activation: number;
  readonly weight: number;
  readonly score: number;
  readonly attention: number;
  readonly vocabulary: number;
  readonly gradient: number;
  readonly rope: number;
}

/** Declared widths in bits of signed tensors (unless said otherwise); a value outside stops training. */
export interface Widths {
  readonly activation: number;
  readonly residual: number;
  readonly gate: number;
  readonly score: number;
  readonly gradient: number;
  readonly weightGradient: number;
  /** Rows of the exponential tables: u = score − μ in (−2^spread, 0]; unsigned. */
  readonly spread: number;
  /** Absolute bound of frozen integer weights, log₂. */
  readonly frozen: number;
  /** Widest range lookup; unsigned. */
  readonly widest: number;
}

export const ADAPTER_SCALE = 22;
/** |w| < 4, so that w·2^−22 is exactly a float32. */
export const ADAPTER_BITS = 25;

export interface SgdStep {
  /** round(lr_t·2^24). */
  readonly rate: bigint;
}

export interface AdamwStep {
  /** round(lr_t·√(1−β₂ᵗ)/(1−β₁ᵗ)·2^27). */
  readonly rate: bigint;
  /** max(1, round(ε·√(1−β₂ᵗ)·2^27)). */
  readonly epsilon: bigint;
  /** round(lr_t·weightDecay·2^24). */
  readonly decay: bigint;
}

export type OptimizerSteps =
  | { readonly kind: 'sgd'; /** round(β·2^16) */ readonly momentum: bigint; readonly steps: readonly SgdStep[] }
  | {
      readonly kind: 'adamw';
      /** round((1−β₁)·2^16), round((1−β₂)·2^20). */
      readonly beta1: bigint;
      readonly beta2: bigint;
      readonly steps: readonly AdamwStep[];
    };

export interface ProgramConfig {
  readonly model: ModelShape;
  readonly lora: LoraShape;
  readonly scales: Scales;
  readonly widths: Widths;
  /** Rows a step, tokens a row (powers of two), steps of the segment (a power of two), rows of the data set. */
  readonly batch: number;
  readonly seqLen: number;
  readonly steps: number;
  readonly dataRows: number;
  /** Constants of the segment's steps. */
  readonly optimizer: OptimizerSteps;
  /** Unmasked labels of each step, n_t ≥ 1. */
  readonly counts: readonly number[];
}

/** Defaults of semantics: 12/16/10/16+/24/14/14. */
export function defaultScales(seqLen: number): Scales {
  const attention = Math.max(16, Math.ceil(Math.log2(seqLen)) + 7);
  return { activation: 12, weight: 16, score: 10, attention, vocabulary: 24, gradient: 14, rope: 14 };
}

export const DEFAULT_WIDTHS: Widths = {
  activation: 20,
  residual: 20,
  gate: 18,
  score: 20,
  gradient: 20,
  weightGradient: 28,
  spread: 18,
  frozen: 23,
  widest: 20,
};

/** Learning-rate schedule over a run's steps: linear warm-up over `warmup` steps, then constant, or down to zero. */
export interface ScheduleSpec {
  readonly kind: 'constant' | 'linear' | 'cosine';
  readonly warmup: number;
}

/** The optimiser as declared: exact decimal strings. */
export type OptimizerSpec =
  | { readonly kind: 'sgd'; readonly lr: string; readonly momentum: string; readonly schedule: ScheduleSpec }
  | {
      readonly kind: 'adamw';
      readonly lr: string;
      readonly beta1: string;
      readonly beta2: string;
      readonly eps: string;
      readonly weightDecay: string;
      readonly schedule: ScheduleSpec;
    };
