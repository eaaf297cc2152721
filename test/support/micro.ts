/**
 * The smallest runs that hold every kind of relation, and their proofs: small enough to prove on the CPU in a second or two.
 */
import { compile, type Circuit } from '../../protocol/program/circuit.ts';
import type { Instance } from '../../protocol/instance.ts';
import { PARAMETER_SETS, type ParameterSet } from '../../protocol/parameters.ts';
import { ProofReader, type LogEntry } from '../../protocol/channel.ts';
import { verifyInstance } from '../../protocol/verify.ts';
import { createCpuBackend } from '../../prover/backend/cpu.ts';
import { proveInstance, type ProofResult, type Witness } from '../../prover/prove.ts';
import type { CellMap } from '../../prover/train/engine.ts';
import { createCpuEngine } from '../../prover/train/cpu-engine.ts';
import { toy, type Toy, type ToyOptions } from './toy.ts';

/** One layer, one step of AdamW with decay on two tokens: tables of 2^12 rows and less. */
export const MICRO: Partial<ToyOptions> = {
  hidden: 4,
  feed: 4,
  layers: 1,
  kvHeads: 1,
  group: 2,
  headDim: 2,
  vocab: 3,
  rank: 1,
  alpha: 1,
  targets: ['q_proj'],
  optimizer: 'adamw-decay',
  steps: 1,
  batch: 1,
  seqLen: 2,
  dataRows: 2,
  masked: false,
  widths: { activation: 16, residual: 16, gate: 12, score: 14, gradient: 18, spread: 12, widest: 8 },
  seed: 21,
};

/** Two layers and two steps of SGD on all of attention: slices in the witness, inner layers, shared heads. */
export const MICRO_DEEP: Partial<ToyOptions> = {
  ...MICRO,
  layers: 2,
  steps: 2,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
  optimizer: 'sgd',
  vocab: 4,
  masked: true,
  seed: 22,
};

/** Few queries and little work, so that tests are quick; two folds and a last sumcheck, so that every kind of message occurs. */
export const TEST_PARAMETERS: ParameterSet = {
  ...(PARAMETER_SETS.get('standard-100') as ParameterSet),
  lookupGrinding: 4,
  queryGrinding: 4,
  foldGrinding: 4,
  security: 30,
  logFold: 3,
  finalBits: 3,
};

/** A toy after its segment: everything that a prover needs. */
export interface Ran {
  readonly toy: Toy;
  readonly circuit: Circuit;
  readonly cells: CellMap;
  readonly instance: Instance;
  readonly witness: Witness;
}

function joined(t: Toy, of: (batch: Toy['batches'][number]) => Int32Array): Int32Array {
  return Int32Array.from(t.batches.flatMap((b) => [...of(b)]));
}

/** Trains a toy's segment on the CPU. */
export async function ran(t: Toy, params: ParameterSet = TEST_PARAMETERS): Promise<Ran> {
  const engine = createCpuEngine(t.program, { witness: true });
  await engine.loadBase(t.base);
  await engine.begin(t.program, t.state);
  const losses: number[] = [];
  for (const [i, batch] of t.batches.entries()) losses.push(Number((await engine.step(i, batch)).loss));
  const cells = new Map([...t.base, ...t.data, ...t.state, ...(await engine.state()), ...(await engine.witness())]);
  engine.close();
  const circuit = compile(t.program);
  const header = Uint8Array.of(0x6d, 0x69, 0x63, 0x72, 0x6f);
  const instance: Instance = { header, params, circuit, rows: t.rows, losses, startSeed: null };
  const witness = { cells, inputs: joined(t, (b) => b.inputs), labels: joined(t, (b) => b.labels) };
  return { toy: t, circuit, cells, instance, witness };
}

/** The micro run, trained. */
export function micro(options: Partial<ToyOptions> = MICRO): Promise<Ran> {
  return ran(toy(options, 'micro'));
}

/** A proof on the CPU of an instance by a witness, whatever the witness holds. */
export function prove(instance: Instance, witness: Witness): Promise<ProofResult> {
  return proveInstance(createCpuBackend(), instance, witness);
}

/** Verifies bytes for an instance whose roots stand nowhere else; returns the messages read. */
export function verify(bytes: Uint8Array, instance: Instance): readonly LogEntry[] {
  const reader = new ProofReader(bytes);
  verifyInstance(reader, instance, () => {});
  return reader.log;
}
