/** Statements of a small run, for tests of what carries statements. */
import type { RunSpec, SegmentSpec, Statement } from '../../protocol/statement.ts';

/** 32 bytes in hexadecimal, all the same. */
export const root = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32);

export const SAMPLE_RUN: RunSpec = {
  protocol: 'zklora/1',
  parameters: 'standard-100',
  model: {
    hiddenSize: 64,
    intermediateSize: 172,
    layers: 5,
    heads: 8,
    kvHeads: 4,
    headDim: 8,
    vocabSize: 512,
    ropeTheta: '10000',
    rmsNormEps: '1e-05',
  },
  quantisation: 'zklora/quantise/v1',
  tokenizer: root(0x70),
  rows: { rule: 'zklora/rows/v1', bos: 1, eos: 2 },
  lora: { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] },
  scales: { activation: 12, weight: 16, score: 10, attention: 16, vocabulary: 24, gradient: 14, rope: 14 },
  widths: {
    activation: 20,
    residual: 20,
    gate: 18,
    score: 20,
    gradient: 20,
    weightGradient: 28,
    spread: 18,
    frozen: 23,
    widest: 20,
  },
  optimizer: {
    kind: 'adamw',
    lr: '0.001',
    beta1: '0.9',
    beta2: '0.999',
    eps: '1e-08',
    weightDecay: '0.01',
    schedule: { kind: 'cosine', warmup: 2 },
  },
  batch: 4,
  seqLen: 64,
  dataRows: 900,
  steps: 8,
  losses: 'exact',
  baseRoot: root(0xba),
  dataRoot: root(0xda),
  nonce: root(0x01),
  owner: `0x${'5e'.repeat(20)}`,
};

/** A segment of the sample run; its roots are named by the step at which they stand. */
export function sampleSegment(first: number, steps: number): SegmentSpec {
  return {
    first,
    steps,
    adapterIn: first === 0 ? null : root(0x10 + first),
    momentsIn: first === 0 ? null : root(0x30 + first),
    adapterOut: root(0x10 + first + steps),
    momentsOut: root(0x30 + first + steps),
    counts: Array.from({ length: steps }, (_, i) => 200 + i),
    losses: Array.from({ length: steps }, (_, i) => 400_000 - 1000 * i),
  };
}

export const SAMPLE_STATEMENT: Statement = { run: SAMPLE_RUN, segment: sampleSegment(2, 2) };
