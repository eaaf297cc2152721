/** From a model and settings to the shape of a run, and its program. */
import { PROTOCOL } from '../../protocol/parameters.ts';
import { toHex } from '../../protocol/bytes.ts';
import { llamaProgram, type LlamaProgram } from '../../protocol/program/llama.ts';
import { segmentConfig } from '../../protocol/segment-program.ts';
import type { RunSpec } from '../../protocol/statement.ts';
import type { RunShape } from '../commitment.ts';
import type { Architecture } from '../model/config.ts';
import { ROW_RULE } from '../model/dataset.ts';
import { QUANTISATION_RULE } from '../model/quantise.ts';
import type { TextTokenizer } from '../model/tokenizer.ts';
import { modelShape } from './base-cells.ts';
import { RunConfigError } from './errors.ts';
import { optimizerOf, precisionOf, type RunConfig } from './run-config.ts';

/**
 * The public shape of a run.
 *
 * @param tokenizer the model's digest (32 bytes) and the ids that begin and end a document
 * @param dataRows rows to train on
 */
export function runShape(
  config: RunConfig,
  architecture: Architecture,
  tokenizer: Pick<TextTokenizer, 'digest' | 'bos' | 'eos'>,
  dataRows: number,
): RunShape {
  return {
    protocol: PROTOCOL,
    parameters: config.parameters,
    model: modelShape(architecture),
    quantisation: QUANTISATION_RULE,
    tokenizer: toHex(tokenizer.digest),
    rows: { rule: ROW_RULE, bos: tokenizer.bos, eos: tokenizer.eos },
    lora: { rank: config.rank, alpha: config.alpha, targets: config.targets },
    ...precisionOf(config),
    optimizer: optimizerOf(config),
    batch: config.batch,
    seqLen: config.seqLen,
    dataRows,
    steps: config.steps,
    losses: config.losses,
  };
}

/**
 * A program of the run's shape, from step 0 on.
 *
 * @param counts unmasked labels of each step; of no matter to the layout of cells
 * @throws RunConfigError for settings that no program exists for
 */
export function shapeProgram(shape: RunShape, counts: readonly number[] = [1]): LlamaProgram {
  const run: RunSpec = { ...shape, baseRoot: '', dataRoot: '', nonce: '', owner: '' };
  try {
    return llamaProgram(segmentConfig(run, 0, counts));
  } catch (error) {
    if (error instanceof RangeError) throw new RunConfigError(error.message);
    throw error;
  }
}
