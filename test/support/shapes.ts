/** Statements of runs of real models' shapes; only their shapes are real. */
import { defaultScales, type ModelShape } from '../../protocol/program/config.ts';
import type { RunSpec, Statement } from '../../protocol/statement.ts';
import { SAMPLE_RUN, sampleSegment } from './statements.ts';

const shape = (
  [hiddenSize, intermediateSize, layers]: readonly [number, number, number],
  [heads, kvHeads, headDim]: readonly [number, number, number],
  vocabSize: number,
): ModelShape => ({ ...SAMPLE_RUN.model, hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize });

/** By name of the model. */
export const MODEL_SHAPES = {
  stories260K: SAMPLE_RUN.model,
  stories15M: shape([288, 768, 6], [6, 6, 48], 32_000),
  'SmolLM2-135M': shape([576, 1536, 30], [9, 3, 64], 49_152),
  'Llama-3.2-1B': shape([2048, 8192, 16], [32, 8, 64], 128_256),
  'Llama-2-7B': shape([4096, 11_008, 32], [32, 32, 128], 32_000),
} as const;

/** One step of a run, the first (with its public start) or the third. */
export function stepOf(model: ModelShape, change: Partial<RunSpec> = {}, first = 2, steps = 1): Statement {
  const seqLen = change.seqLen ?? SAMPLE_RUN.seqLen;
  const run = { ...SAMPLE_RUN, model, scales: defaultScales(seqLen), ...change };
  const segment = sampleSegment(first, steps);
  return { run, segment: { ...segment, losses: run.losses === 'exact' ? segment.losses : null } };
}
