/** Tells where a declared weight decay has no effect in integers. */
import type { RunSpec } from '../../protocol/statement.ts';

/** Weights below this show nothing by not decaying. */
const NEGLIGIBLE = 0.001;

/**
 * A weight w at scale 2^22 decays by rshift(w·λ, 24) with λ = round(lr·weightDecay·2^24), which is nothing where
 * |w|·λ < 2^23: for weights below 2/λ.
 *
 * @returns a sentence where weights above 0.001 do not decay even at the schedule's highest rate; null otherwise
 */
export function decayNote(optimizer: RunSpec['optimizer']): string | null {
  if (optimizer.kind !== 'adamw' || Number(optimizer.weightDecay) === 0) return null;
  const lambda = Math.round(Number(optimizer.lr) * Number(optimizer.weightDecay) * 2 ** 24);
  const least = lambda === 0 ? Infinity : 2 / lambda;
  if (least < NEGLIGIBLE) return null;
  const which = lambda === 0 ? 'no weight' : `no weight below ${least.toPrecision(2)}`;
  return `Weight decay: ${which} decays, since lr · weight decay · weight rounds to less than half of 2^-22.`;
}
