/** From a run's declaration to the program of one of its segments. */
import type { ProgramConfig } from './program/config.ts';
import { optimizerSteps } from './program/schedule.ts';
import type { RunSpec } from './statement.ts';

/**
 * What the program of steps first … first + counts.length − 1 depends on.
 *
 * @param run the declared run
 * @param counts unmasked labels of each step; a segment has a power of two of them
 * @throws RangeError for steps outside the run
 */
export function segmentConfig(run: RunSpec, first: number, counts: readonly number[]): ProgramConfig {
  const { model, lora, scales, widths, batch, seqLen, dataRows } = run;
  const optimizer = optimizerSteps(run.optimizer, run.steps, first, counts.length);
  return { model, lora, scales, widths, batch, seqLen, steps: counts.length, dataRows, optimizer, counts };
}
