/** Which rows of the data a step trains on: a public function of the sampler seed. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { BoundedCache } from './bounded-cache.ts';
import { UniformStream } from './stream.ts';

/** Most rows a data set may have: the verifier shuffles them all. */
export const MAX_DATASET_ROWS = 2 ** 24;

// A process verifies proofs of many runs, one after the other; a run's steps share few epochs.
const cache = new BoundedCache<Uint32Array>(2 ** 24, (order) => order.byteLength);

/**
 * The rows of one step. Each epoch is a fresh Fisher-Yates shuffle of all rows and has ⌊datasetRows / batch⌋ steps;
 * the rows left over at its end sit that epoch out (others do in the next), so a step's rows are always distinct.
 *
 * @param seed 32 bytes
 * @param datasetRows number of rows N, 1 to 2^24
 * @param batch rows a step, 1 to N
 * @param step from 0
 * @returns `batch` distinct row numbers, in the order in which the step uses them
 * @throws RangeError for an argument outside these ranges
 */
export function rowsOfStep(seed: Uint8Array, datasetRows: number, batch: number, step: number): number[] {
  if (!Number.isInteger(datasetRows) || datasetRows < 1 || datasetRows > MAX_DATASET_ROWS) {
    throw new RangeError(`a data set has 1 to ${MAX_DATASET_ROWS} rows, not ${datasetRows}`);
  }
  if (!Number.isInteger(batch) || batch < 1 || batch > datasetRows) {
    throw new RangeError(`a batch has 1 to ${datasetRows} rows (the data set's), not ${batch}`);
  }
  if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`steps count from 0, not ${step}`);
  const stepsPerEpoch = Math.floor(datasetRows / batch);
  const order = shuffledRows(seed, datasetRows, Math.floor(step / stepsPerEpoch));
  const first = (step % stepsPerEpoch) * batch;
  return Array.from(order.subarray(first, first + batch));
}

/** One epoch's order of rows, by Fisher and Yates from the front. */
function shuffledRows(seed: Uint8Array, datasetRows: number, epoch: number): Uint32Array {
  return cache.get(`${bytesToHex(seed)} ${datasetRows} ${epoch}`, () => shuffle(seed, datasetRows, epoch));
}

function shuffle(seed: Uint8Array, datasetRows: number, epoch: number): Uint32Array {
  const stream = new UniformStream(seed, `sampler/epoch/${epoch}`);
  const order = new Uint32Array(datasetRows).map((_, row) => row);
  for (let i = 0; i < datasetRows - 1; i++) {
    const j = i + stream.below(datasetRows - i);
    const row = order[i];
    order[i] = order[j];
    order[j] = row;
  }
  return order;
}
