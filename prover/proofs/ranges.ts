/** How a run's steps are cut into segments. */
import { RunConfigError } from '../train/errors.ts';

/** Steps [first, first + steps). */
export interface SegmentRange {
  readonly first: number;
  /** A power of two. */
  readonly steps: number;
}

/**
 * Segments of a run, in order: of `perProof` steps as long as there are so many left, then of falling powers of two.
 *
 * @param steps of the run
 * @throws RunConfigError unless perProof is a power of two
 */
export function segmentRanges(steps: number, perProof: number): SegmentRange[] {
  if (!Number.isInteger(Math.log2(perProof)) || perProof < 1)
    throw new RunConfigError(`${perProof} steps a proof are no power of two`, 'Give 1, 2, 4, … to --steps-per-proof.');
  const ranges: SegmentRange[] = [];
  for (let first = 0, size = perProof; first < steps;) {
    while (size > steps - first) size /= 2;
    ranges.push({ first, steps: size });
    first += size;
  }
  return ranges;
}

/** A range in words: "step 3" or "steps 4 to 7", counted from 0. */
export function rangeText({ first, steps }: SegmentRange): string {
  return steps === 1 ? `step ${first}` : `steps ${first} to ${first + steps - 1}`;
}
