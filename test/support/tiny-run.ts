/** A run of the tiny model, trained and proven: seconds on any machine. */
import { join } from 'node:path';

import { openCompute } from '../../prover/compute.ts';
import { SegmentProver, type ProvenSegment } from '../../prover/proofs/segment.ts';
import { newRun } from '../../prover/train/new-run.ts';
import { runConfig } from '../../prover/train/run-config.ts';
import type { Run } from '../../prover/train/run.ts';
import { train } from '../../prover/train/trainer.ts';
import { writeFables, writeTinyModel } from './tiny-model.ts';

/** Small tables, and no proof of work: both would take most of the time. */
export const TINY_SETTINGS = {
  parameters: 'strict-100',
  batch: 1,
  seqLen: 4,
  rank: 2,
  alpha: 4,
  targets: ['q_proj' as const],
  optimizer: 'sgd' as const,
  lr: 0.01,
  owner: `0x${'5e'.repeat(20)}`,
  widths: {
    activation: 17,
    residual: 17,
    gate: 16,
    score: 15,
    gradient: 18,
    weightGradient: 22,
    spread: 14,
    frozen: 18,
    widest: 12,
  },
};

/** A trained run and the proofs of its segments, one a step. */
export interface ProvenRun {
  readonly run: Run;
  readonly segments: readonly ProvenSegment[];
}

/** Makes a run of `steps` steps in a folder. @param seed tells runs apart */
export async function proveTinyRun(folder: string, steps: number, seed: string): Promise<ProvenRun> {
  const [model, data] = [join(folder, 'model'), join(folder, 'data.jsonl')];
  await writeTinyModel(model);
  await writeFables(data, 2);
  const compute = await openCompute('gpu');
  try {
    const sources = { folder: join(folder, 'run'), model, data, initialAdapter: null };
    const { run, base } = await newRun(sources, runConfig({ ...TINY_SETTINGS, steps, seed }), compute.backend);
    const engine = await compute.engine(run.program(0, 1), { witness: false });
    await engine.loadBase(base);
    await train(run, engine);
    engine.close();
    const prover = new SegmentProver(run, base, compute);
    const segments: ProvenSegment[] = [];
    for (let first = 0; first < steps; first++) segments.push(await prover.prove({ first, steps: 1 }));
    prover.close();
    return { run, segments };
  } finally {
    compute.close();
  }
}
