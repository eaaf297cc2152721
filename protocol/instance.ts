/** Everything public about one segment: what prover and verifier both compute from its statement. */
import { VerificationError } from './errors.ts';
import type { Ext } from './extension.ts';
import { presentOracles } from './arguments/opening.ts';
import { PARAMETER_SETS, PROTOCOL, codeShape, type ParameterSet } from './parameters.ts';
import { compile, type Circuit } from './program/circuit.ts';
import { llamaProgram } from './program/llama.ts';
import { RoundingError } from './program/fixedpoint.ts';
import { rowsOfStep } from './program/sampler.ts';
import { isStartOracle, startValue } from './program/start.ts';
import type { OracleName } from './program/tensors.ts';
import { segmentConfig } from './segment-program.ts';
import { soundness, type Soundness } from './soundness.ts';
import {
  commitmentRoot,
  deriveSeed,
  encodeStatement,
  rootBytes,
  runId,
  shapeDigest,
  type CommitmentKind,
  type Statement,
} from './statement.ts';

/** The part of an instance that the arguments need; tests build it without a statement. */
export interface Instance {
  /** First bytes of the proof: bound by the transcript. */
  readonly header: Uint8Array;
  readonly params: ParameterSet;
  readonly circuit: Circuit;
  /** Data rows of each step of the segment. */
  readonly rows: readonly (readonly number[])[];
  readonly losses: readonly number[] | null;
  /** The seed of A₀ in a run's first segment, whose adapter and moments everybody computes; null where they are committed. */
  readonly startSeed: Uint8Array | null;
}

/** Oracles whose roots the proof gives. */
export function committedOracles(instance: Instance): OracleName[] {
  return presentOracles(instance.circuit).filter((o) => instance.startSeed === null || !isStartOracle(o));
}

export function instanceSoundness(instance: Instance): Soundness {
  return soundness(instance.circuit, instance.params, committedOracles(instance));
}

/** The evaluation of a public oracle; null for a committed one. */
export function knownValue({ circuit, startSeed }: Instance, oracle: OracleName, point: readonly Ext[]): Ext | null {
  return startSeed === null || !isStartOracle(oracle) ? null : startValue(circuit, startSeed, oracle, point);
}

const MAGIC = Uint8Array.of(0x7a, 0x6b, 0x4c, 0x52); // zkLR
export const HEADER_BYTES = 8;

/** 'zkLR', the statement's length, the statement. */
export function proofHeader(statement: Statement): Uint8Array {
  const body = encodeStatement(statement);
  const out = new Uint8Array(HEADER_BYTES + body.length);
  out.set(MAGIC);
  new DataView(out.buffer).setUint32(4, body.length);
  out.set(body, HEADER_BYTES);
  return out;
}

export function isMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((b, i) => bytes[i] === b);
}

/** What follows from a statement at little cost, however large the shapes that it names. */
export interface StatedCircuit {
  readonly params: ParameterSet;
  readonly circuit: Circuit;
  /** Oracles whose roots the proof gives. */
  readonly committed: readonly OracleName[];
}

function refuse(code: string, message: string): never {
  throw new VerificationError(code, message, { argument: 'statement' });
}

/** Refuses by name what no program exists for. */
function programmed<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError || error instanceof RoundingError) return refuse('PROGRAM', error.message);
    throw error;
  }
}

/**
 * Compiles a statement's program and checks its soundness; computes no table, row or weight.
 * @throws VerificationError for a statement that no verifier of this version accepts
 */
export function circuitOf(statement: Statement): StatedCircuit {
  const { run, segment } = statement;
  if (run.protocol !== PROTOCOL)
    refuse('PROTOCOL', `the proof is of protocol ${run.protocol}; this verifier knows ${PROTOCOL}`);
  const params = PARAMETER_SETS.get(run.parameters);
  if (params === undefined) return refuse('PARAMETERS', `parameter set ${run.parameters} is unknown`);
  const circuit = programmed(() => compile(llamaProgram(segmentConfig(run, segment.first, segment.counts))));
  const committed = presentOracles(circuit).filter((o) => segment.first > 0 || !isStartOracle(o));
  // Soundness comes before the work that grows with the statement.
  const { bits, target } = soundness(circuit, params, committed);
  if (bits < target)
    refuse('SOUNDNESS', `the statement's size leaves ${bits} bits of soundness; ${target} are required`);
  return { params, circuit, committed };
}

/** Computes the tables and public tensors that a circuit names. @throws RoundingError */
function computePublics(circuit: Circuit): void {
  for (const table of circuit.tables.values()) void table.columns;
  for (const relation of circuit.program.relations)
    for (const { factors } of relation.terms)
      for (const { tensor } of factors)
        if (tensor.kind === 'public' && tensor.extension === undefined) void tensor.values;
}

/** @throws VerificationError for a statement that no verifier of this version accepts. */
export function instanceOf(statement: Statement): Instance {
  return completeInstance(statement, circuitOf(statement));
}

/**
 * Computes what a statement's circuit leaves open: tables, the rows of each step, the seed of the public start.
 * @param enter told of each stage that begins
 * @throws VerificationError
 */
export function completeInstance(
  statement: Statement,
  { params, circuit }: StatedCircuit,
  enter: (stage: 'tables' | 'rows') => void = () => {},
): Instance {
  const { run, segment } = statement;
  enter('tables');
  programmed(() => {
    computePublics(circuit);
  });
  enter('rows');
  const id = runId(run);
  const sampler = deriveSeed(id, 'sampler');
  const rows = Array.from({ length: segment.steps }, (_, t) =>
    rowsOfStep(sampler, run.dataRows, run.batch, segment.first + t),
  );
  const startSeed = segment.first === 0 ? deriveSeed(id, 'adapter') : null;
  return { header: proofHeader(statement), params, circuit, rows, losses: segment.losses, startSeed };
}

const KIND: Readonly<Record<Exclude<OracleName, 'witness'>, CommitmentKind>> = {
  base: 'base',
  data: 'data',
  adapterIn: 'adapter',
  adapterOut: 'adapter',
  momentsIn: 'moments',
  momentsOut: 'moments',
};

/** The root that a statement must hold for a Merkle root of an oracle of this circuit. */
export function oracleRoot(
  run: Parameters<typeof shapeDigest>[0],
  oracle: Exclude<OracleName, 'witness'>,
  length: number,
  merkleRoot: Uint8Array,
): Uint8Array {
  const { logHeight, columns, logInvRate } = codeShape(oracle, length);
  const kind = KIND[oracle];
  return commitmentRoot(
    { kind, logHeight, columns, randomRows: 0, logInvRate, shape: shapeDigest(run, kind) },
    merkleRoot,
  );
}

/** The statement's root of an oracle; null for the witness and for public state. */
export function statedRoot(statement: Statement, oracle: OracleName): Uint8Array | null {
  const { run, segment } = statement;
  if (oracle === 'witness') return null;
  const roots = {
    base: run.baseRoot,
    data: run.dataRoot,
    adapterIn: segment.adapterIn,
    adapterOut: segment.adapterOut,
    momentsIn: segment.momentsIn,
    momentsOut: segment.momentsOut,
  };
  const root = roots[oracle];
  return root === null ? null : rootBytes(root);
}
