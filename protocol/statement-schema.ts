/**
 * The statement's schema: types and ranges of all its fields. The bounds keep what a verifier does for a statement
 * finite and every size an exact integer; what no program or parameter set exists for, `verify` refuses later.
 */
import { DecodeError } from './errors.ts';
import { PROTOCOL } from './parameters.ts';
import { TARGETS, type Target } from './program/adapter.ts';
import type { LoraShape, ModelShape, OptimizerSpec, Scales, ScheduleSpec, Widths } from './program/config.ts';
import { MAX_DATASET_ROWS } from './program/sampler.ts';
import {
  decimal,
  integer,
  list,
  located,
  must,
  nullable,
  object,
  oneOf,
  powerOfTwo,
  text,
  type Check,
  type Path,
} from './schema.ts';
import type { RunSpec, SegmentSpec, Statement } from './statement.ts';

/** Longest encoding of a statement, bytes. */
export const MAX_STATEMENT_BYTES = 2 ** 18;
/** Most steps of one segment. */
export const MAX_SEGMENT_STEPS = 2 ** 12;
/** Most steps of a run. */
export const MAX_RUN_STEPS = 2 ** 32;

const digest = text(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits');
const address = text(/^0x[0-9a-f]{40}$/, '0x and 40 lower-case hexadecimal digits');
const name = text(/^[a-z0-9][a-z0-9./-]{0,63}$/, 'a name of at most 64 of the characters a-z, 0-9, ".", "/" and "-"');
const bits = integer(1, 30);
const scale = integer(1, 26);

const modelFields = object<ModelShape>({
  hiddenSize: integer(1, 2 ** 16),
  intermediateSize: integer(1, 2 ** 18),
  layers: integer(1, 2 ** 9),
  heads: integer(1, 2 ** 10),
  kvHeads: integer(1, 2 ** 10),
  headDim: integer(2, 2 ** 12),
  vocabSize: integer(2, 2 ** 20),
  ropeTheta: decimal('1', '1e12'),
  rmsNormEps: decimal('0', '1'),
});

const model: Check<ModelShape> = (value, at) => {
  const shape = modelFields(value, at);
  must(
    shape.heads % shape.kvHeads === 0,
    [...at, 'kvHeads'],
    `${shape.kvHeads} do not share ${shape.heads} heads evenly`,
  );
  must(shape.headDim % 2 === 0, [...at, 'headDim'], `expected an even number, found ${shape.headDim}`);
  return shape;
};

const loraFields = object<LoraShape>({
  rank: integer(1, 2 ** 12),
  alpha: integer(1, 2 ** 16),
  targets: list(oneOf<Target>(...TARGETS), TARGETS.length),
});

const lora: Check<LoraShape> = (value, at) => {
  const shape = loraFields(value, at);
  shape.targets.forEach((target, i) => {
    const inOrder = i === 0 || TARGETS.indexOf(target) > TARGETS.indexOf(shape.targets[i - 1]);
    must(inOrder, [...at, 'targets', i], `${target} is repeated or out of the order ${TARGETS.join(', ')}`);
  });
  const kappa = (2 ** 8 * shape.alpha) / shape.rank;
  must(
    Number.isInteger(kappa) && kappa <= 2 ** 12,
    [...at, 'alpha'],
    `2^8·alpha/rank is ${kappa}, no integer up to 2^12`,
  );
  return shape;
};

const scales = object<Scales>({
  activation: scale,
  weight: scale,
  score: scale,
  attention: scale,
  vocabulary: scale,
  gradient: scale,
  rope: scale,
});

const widths = object<Widths>({
  activation: bits,
  residual: bits,
  gate: bits,
  score: bits,
  gradient: bits,
  weightGradient: bits,
  spread: bits,
  frozen: bits,
  widest: bits,
});

const schedule = object<ScheduleSpec>({
  kind: oneOf('constant', 'linear', 'cosine'),
  warmup: integer(0, MAX_RUN_STEPS),
});

const fraction = decimal('0', '1', 'below');
const rate = decimal('0', '1000');

const sgd = object<Extract<OptimizerSpec, { kind: 'sgd' }>>({
  kind: oneOf('sgd'),
  lr: rate,
  momentum: fraction,
  schedule,
});

const adamw = object<Extract<OptimizerSpec, { kind: 'adamw' }>>({
  kind: oneOf('adamw'),
  lr: rate,
  beta1: fraction,
  beta2: fraction,
  eps: rate,
  weightDecay: rate,
  schedule,
});

const optimizer: Check<OptimizerSpec> = (value, at) => {
  must(typeof value === 'object' && value !== null, at, 'expected an object');
  const kind = oneOf('sgd', 'adamw')((value as { kind?: unknown }).kind, [...at, 'kind']);
  return kind === 'sgd' ? sgd(value, at) : adamw(value, at);
};

const runFields = object<RunSpec>({
  protocol: oneOf(PROTOCOL),
  parameters: name,
  model,
  quantisation: name,
  tokenizer: digest,
  rows: object<RunSpec['rows']>({ rule: name, bos: integer(0, 2 ** 20 - 1), eos: integer(0, 2 ** 20 - 1) }),
  lora,
  scales,
  widths,
  optimizer,
  batch: powerOfTwo(2 ** 16),
  seqLen: powerOfTwo(2 ** 17),
  dataRows: integer(1, MAX_DATASET_ROWS),
  steps: integer(1, MAX_RUN_STEPS),
  losses: oneOf('exact', 'hidden'),
  baseRoot: digest,
  dataRoot: digest,
  nonce: digest,
  owner: address,
});

const run: Check<RunSpec> = (value, at) => {
  const spec = runFields(value, at);
  const { vocabSize } = spec.model;
  for (const token of ['bos', 'eos'] as const)
    must(
      spec.rows[token] < vocabSize,
      [...at, 'rows', token],
      `${spec.rows[token]} is beyond the vocabulary of ${vocabSize}`,
    );
  must(
    spec.batch <= spec.dataRows,
    [...at, 'batch'],
    `${spec.batch} rows a step are more than the ${spec.dataRows} of the data`,
  );
  must(
    spec.optimizer.schedule.warmup <= spec.steps,
    [...at, 'optimizer', 'schedule', 'warmup'],
    `the run has only ${spec.steps} steps`,
  );
  return spec;
};

const segment = object<SegmentSpec>({
  first: integer(0, MAX_RUN_STEPS - 1),
  steps: powerOfTwo(MAX_SEGMENT_STEPS),
  adapterIn: nullable(digest),
  momentsIn: nullable(digest),
  adapterOut: digest,
  momentsOut: digest,
  counts: list(integer(1, 2 ** 33), MAX_SEGMENT_STEPS),
  losses: nullable(list(integer(0, Number.MAX_SAFE_INTEGER), MAX_SEGMENT_STEPS)),
});

const statementFields = object<Statement>({ run, segment });

const statement: Check<Statement> = (value, at) => {
  const found = statementFields(value, at);
  checkSegment(found, [...at, 'segment']);
  return found;
};

/** What the fields of a segment say together with its run. */
function checkSegment({ run: spec, segment: part }: Statement, at: Path): void {
  const { first, steps, counts, losses } = part;
  must(
    first + steps <= spec.steps,
    [...at, 'steps'],
    `steps ${first} to ${first + steps} go beyond the run's ${spec.steps}`,
  );
  for (const root of ['adapterIn', 'momentsIn'] as const) {
    const message = first === 0 ? 'expected null at the start of a run' : 'expected a root after the start of a run';
    must((part[root] === null) === (first === 0), [...at, root], message);
  }
  must(counts.length === steps, [...at, 'counts'], `expected ${steps} counts, found ${counts.length}`);
  counts.forEach((n, i) => {
    const most = spec.batch * spec.seqLen;
    must(n <= most, [...at, 'counts', i], `expected at most ${most} labels, found ${n}`);
  });
  must((losses === null) === (spec.losses === 'hidden'), [...at, 'losses'], `the run's losses are ${spec.losses}`);
  if (losses === null) return;
  must(losses.length === steps, [...at, 'losses'], `expected ${steps} losses, found ${losses.length}`);
  losses.forEach((loss, i) => {
    // Each label's loss is below 2^spread, the rows of its table.
    const most = counts[i] * (2 ** spec.widths.spread - 1);
    must(loss <= most, [...at, 'losses', i], `expected at most ${most}, found ${loss}`);
  });
}

/**
 * Checks a run given as a JSON value (parsed text, not the text).
 * @returns a copy with exactly the fields of a run
 * @throws DecodeError with the field's path, from `run`
 */
export function parseRun(json: unknown): RunSpec {
  return located(run, json, 'run', 'RUN');
}

/** Offset of the first byte in which two byte strings differ. */
function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  if (at >= 0) return at;
  return a.length === b.length ? undefined : a.length;
}

function parseJson(bytes: Uint8Array): unknown {
  const foreign = bytes.findIndex((byte) => byte < 0x20 || byte > 0x7e);
  if (foreign >= 0) throw new DecodeError('STATEMENT_TEXT', 'statement', foreign, 'expected printable ASCII');
  // Pieces, because a call takes a bounded number of arguments.
  let json = '';
  for (let i = 0; i < bytes.length; i += 2 ** 12) json += String.fromCharCode(...bytes.subarray(i, i + 2 ** 12));
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DecodeError('STATEMENT_JSON', 'statement', 0, `no JSON: ${(cause as Error).message}`);
  }
}

/**
 * Decodes a statement.
 * @param bytes its canonical JSON, at most MAX_STATEMENT_BYTES
 * @param encode the canonical encoding (`encodeStatement`)
 * @throws DecodeError with the field's path, from `statement`
 */
export function parseStatement(bytes: Uint8Array, encode: (s: Statement) => Uint8Array): Statement {
  if (bytes.length > MAX_STATEMENT_BYTES)
    throw new DecodeError(
      'STATEMENT_LENGTH',
      'statement',
      MAX_STATEMENT_BYTES,
      `longer than ${MAX_STATEMENT_BYTES} bytes`,
    );
  const parsed = located(statement, parseJson(bytes), 'statement', 'STATEMENT');
  const difference = firstDifference(encode(parsed), bytes);
  if (difference !== undefined)
    throw new DecodeError('STATEMENT_CANONICAL', 'statement', difference, 'the text is not the canonical one');
  return parsed;
}
