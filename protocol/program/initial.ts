/** The public adapter A₀ that a run starts from: PEFT's initial values, drawn in integers from a seed. */
import { MASTER_BITS, orderTargets, projectionShape } from './adapter.ts';
import type { Adapter, LoraPair, ProjectionDimensions, Target } from './adapter.ts';
import { isqrt } from './fixedpoint.ts';
import { UniformStream } from './stream.ts';

/** What A₀ depends on beside its seed. */
export interface InitialShape {
  dimensions: ProjectionDimensions;
  /** Number of layers. */
  layers: number;
  rank: number;
  alpha: number;
  targets: readonly Target[];
}

/**
 * A₀: lora_A as PEFT's kaiming_uniform(a = √5), which is uniform in ±1/√in, and lora_B = 0.
 *
 * At scale 2^22 an entry of lora_A is a uniform integer in [−b, b] with b = ⌊2^22 / √in⌋. Each layer's target has a
 * stream of its own, so that its matrix depends on nothing but seed, layer, target, rank and width.
 *
 * @param seed 32 public bytes
 * @param shape of model and adapter
 * @throws RangeError for a seed of another length
 */
export function initialAdapter(seed: Uint8Array, shape: InitialShape): Adapter {
  const targets = orderTargets(shape.targets);
  const layers = Array.from({ length: shape.layers }, (_, layer) => {
    const pairs: Partial<Record<Target, LoraPair>> = {};
    for (const target of targets) {
      const widths = projectionShape(shape.dimensions, target);
      pairs[target] = {
        A: initialA(seed, layer, target, shape.rank, widths.in),
        B: new Int32Array(widths.out * shape.rank),
      };
    }
    return pairs;
  });
  return { rank: shape.rank, alpha: shape.alpha, targets, layers };
}

/** ⌊2^22 / √width⌋ = ⌊√(2^44 / width)⌋, the largest initial |lora_A|. */
export function initialBound(width: number): number {
  return Number(isqrt((1n << BigInt(2 * MASTER_BITS)) / BigInt(width)));
}

/**
 * One lora_A of A₀, [rank, width], at scale 2^22.
 *
 * @param seed 32 public bytes
 * @throws RangeError for a seed of another length
 */
export function initialA(seed: Uint8Array, layer: number, target: Target, rank: number, width: number): Int32Array {
  const bound = initialBound(width);
  const stream = new UniformStream(seed, `lora_A/${layer}/${target}`);
  const values = new Int32Array(rank * width);
  for (let i = 0; i < values.length; i++) values[i] = stream.below(2 * bound + 1) - bound;
  return values;
}
