/** Rows of a run: those it trains on, those held out, and the batches of its steps. */
import { rowsOfStep } from '../../protocol/program/sampler.ts';
import type { Dataset } from '../model/dataset.ts';
import type { Batch, CellMap } from './engine.ts';
import { RunConfigError } from './errors.ts';

/**
 * Sets rows aside, evenly spread over the data set.
 *
 * @param count rows to hold out, 0 and more
 * @throws RunConfigError when nothing is left to train on
 */
export function holdOut(dataset: Dataset, count: number): { training: Dataset; heldOut: Dataset } {
  if (count >= dataset.rows)
    throw new RunConfigError(
      `${count} held-out rows leave nothing of the data's ${dataset.rows} rows to train on`,
      'Hold out fewer rows (--eval-rows), or add text.',
    );
  const aside = new Set(Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * dataset.rows) / count)));
  const all = Array.from({ length: dataset.rows }, (_, row) => row);
  const pick = (rows: number[]): Dataset => selectRows(dataset, rows);
  return { training: pick(all.filter((row) => !aside.has(row))), heldOut: pick(all.filter((row) => aside.has(row))) };
}

function selectRows(dataset: Dataset, rows: readonly number[]): Dataset {
  const { seqLen } = dataset;
  const tokens = new Uint32Array(rows.length * (seqLen + 1));
  const mask = new Uint8Array(rows.length * seqLen);
  rows.forEach((row, i) => {
    tokens.set(dataset.tokens.subarray(row * (seqLen + 1), (row + 1) * (seqLen + 1)), i * (seqLen + 1));
    mask.set(dataset.mask.subarray(row * seqLen, (row + 1) * seqLen), i * seqLen);
  });
  return { rows: rows.length, seqLen, tokens, mask };
}

/** The batch of a step, by the public sampler. */
export function batchOfStep(seed: Uint8Array, training: Dataset, batch: number, step: number): Batch {
  return batchOf(training, rowsOfStep(seed, training.rows, batch, step));
}

/** Held-out rows in batches; the last one is filled up with rows whose labels are all masked. */
export function heldOutBatches(heldOut: Dataset, batch: number): Batch[] {
  return Array.from({ length: Math.ceil(heldOut.rows / batch) }, (_, i) => {
    const rows = Array.from({ length: batch }, (_, r) => i * batch + r);
    const real = rows.filter((row) => row < heldOut.rows);
    const filled = batchOf(
      heldOut,
      rows.map((row) => Math.min(row, heldOut.rows - 1)),
    );
    return { ...filled, mask: filled.mask.fill(0, real.length * heldOut.seqLen) };
  });
}

function batchOf({ seqLen, tokens, mask }: Dataset, rows: readonly number[]): Batch {
  const inputs = new Int32Array(rows.length * seqLen);
  const labels = new Int32Array(rows.length * seqLen);
  const counted = new Uint8Array(rows.length * seqLen);
  rows.forEach((row, i) => {
    const first = row * (seqLen + 1);
    inputs.set(tokens.subarray(first, first + seqLen), i * seqLen);
    labels.set(tokens.subarray(first + 1, first + 1 + seqLen), i * seqLen);
    counted.set(mask.subarray(row * seqLen, (row + 1) * seqLen), i * seqLen);
  });
  return { inputs, labels, mask: counted };
}

/** Unmasked labels of a batch. */
export function countOf(batch: Batch): number {
  return batch.mask.reduce((n, m) => n + m, 0);
}

/** Cells of oracle `data`: first tokens, labels and mask of the training rows. */
export function dataCells({ rows, seqLen, tokens, mask }: Dataset): CellMap {
  const first = new Uint32Array(rows);
  const labels = new Uint32Array(rows * seqLen);
  for (let row = 0; row < rows; row++) {
    const at = row * (seqLen + 1);
    first[row] = tokens[at];
    labels.set(tokens.subarray(at + 1, at + 1 + seqLen), row * seqLen);
  }
  return new Map([
    ['data.first', first],
    ['data.labels', labels],
    ['data.mask', Uint32Array.from(mask)],
  ]);
}
