/**
 * What a statement costs a verifier before it reads the proof. A statement of a kilobyte can ask for hours and
 * gigabytes, so this is computed, and refused, first. What the proof itself costs is bounded by its length.
 */
import { projectionShape } from '../protocol/program/adapter.ts';
import type { Statement } from '../protocol/statement.ts';
import { SettingError, type Env } from './env.ts';
import { Problem } from './problems.ts';

/** About 8 s of one core, and 64 MB. */
const DEFAULT_LIMIT = 2 ** 23;

/** A weight of A₀ and its moments take as long as this many draws of the shuffle. */
const DRAWS_A_WEIGHT = 3;

/** Weights of A₀, which the verifier draws itself in a run's first segment. */
function publicWeights({ run, segment }: Statement): number {
  if (segment.first > 0) return 0;
  const shapes = run.lora.targets.map((target) => projectionShape(run.model, target));
  return run.model.layers * run.lora.rank * shapes.reduce((sum, shape) => sum + shape.in + shape.out, 0);
}

/**
 * The cost of preparing to verify, in draws of the shuffle (about 1 µs each): shuffled rows of each epoch that the
 * segment touches, public weights, causal mask, rotary tables.
 */
export function preparationCost(statement: Statement): number {
  const { run, segment } = statement;
  const stepsPerEpoch = Math.floor(run.dataRows / run.batch);
  const lastEpoch = Math.floor((segment.first + segment.steps - 1) / stepsPerEpoch);
  const epochs = lastEpoch - Math.floor(segment.first / stepsPerEpoch) + 1;
  const tables = run.seqLen ** 2 + 8 * run.seqLen * run.model.headDim;
  return epochs * run.dataRows + DRAWS_A_WEIGHT * publicWeights(statement) + tables;
}

/** @throws Problem (422) for a statement that costs more than the worker spends; SettingError */
export function requireAffordable(statement: Statement, env: Env): void {
  const text = env.MAX_PREPARATION ?? String(DEFAULT_LIMIT);
  if (!/^[1-9][0-9]{0,11}$/.test(text)) throw new SettingError('MAX_PREPARATION', `"${text}" is no number of draws`);
  const limit = Number(text);
  const cost = preparationCost(statement);
  if (cost <= limit) return;
  throw new Problem(422, {
    code: 'COST',
    detail: `Preparing to verify this statement costs ${cost} draws; this worker spends at most ${limit}.`,
    next: 'Verify it with ./zklora verify, or ask the operator to raise MAX_PREPARATION.',
    check: 'cost',
    evidence: { cost, limit },
  });
}
