/** The LoRA adapter in integers: which projections it may change, their shapes and the range of its weights. */

/** Projections a LoRA adapter may change, in the order in which this project lists them. */
export const TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;

/** A projection's name in Hugging Face's LLaMA. */
export type Target = (typeof TARGETS)[number];

/** Fraction bits of the adapter's master weights. */
export const MASTER_BITS = 22;

/** Master weights w are integers with −2^24 ≤ w < 2^24, so that w / 2^22 is exactly a float32. */
export const MASTER_LIMIT = 2 ** 24;

/** The dimensions that determine the projections' shapes. */
export interface ProjectionDimensions {
  hiddenSize: number;
  intermediateSize: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

/** Row-major weights of one projection's adapter at scale 2^22: A is [rank, in], B is [out, rank]. */
export interface LoraPair {
  A: Int32Array;
  B: Int32Array;
}

/** A LoRA adapter: y += (alpha / rank)·B·A·x in every layer, for each of its targets. */
export interface Adapter {
  rank: number;
  alpha: number;
  /** Distinct, in the order of TARGETS. */
  targets: Target[];
  /** One record a layer, with exactly the adapter's targets. */
  layers: Partial<Record<Target, LoraPair>>[];
}

/**
 * The input and output width of a projection.
 *
 * @param dimensions of the model
 * @param target the projection
 */
export function projectionShape(dimensions: ProjectionDimensions, target: Target): { in: number; out: number } {
  const { hiddenSize: d, intermediateSize: ff, heads, kvHeads, headDim } = dimensions;
  switch (target) {
    case 'q_proj':
      return { in: d, out: heads * headDim };
    case 'k_proj':
    case 'v_proj':
      return { in: d, out: kvHeads * headDim };
    case 'o_proj':
      return { in: heads * headDim, out: d };
    case 'gate_proj':
    case 'up_proj':
      return { in: d, out: ff };
    case 'down_proj':
      return { in: ff, out: d };
  }
}

/**
 * The same targets without repetition, in the order of TARGETS.
 *
 * @param targets any subset
 */
export function orderTargets(targets: Iterable<Target>): Target[] {
  const wanted = new Set(targets);
  return TARGETS.filter((target) => wanted.has(target));
}
