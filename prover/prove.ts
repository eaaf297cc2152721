/** The prover. Reads in step with protocol/verify.ts. */
import { ProofWriter } from '../protocol/channel.ts';
import { committedOracles, type Instance } from '../protocol/instance.ts';
import { codeShape } from '../protocol/parameters.ts';
import { drawLookup } from '../protocol/arguments/lookup.ts';
import { presentOracles } from '../protocol/arguments/opening.ts';
import type { CodeOpening } from '../protocol/arguments/code.ts';
import { packStack } from '../protocol/program/pack.ts';
import { startCells } from '../protocol/program/start.ts';
import { ORACLES, type OracleName } from '../protocol/program/tensors.ts';
import type { Backend, Cells, CommittedMatrix } from './backend/backend.ts';
import type { TokenIds } from './arguments/factors.ts';
import { proveCode } from './arguments/code.ts';
import { proveLookup, type OracleCells } from './arguments/lookup.ts';
import { proveOneHot } from './arguments/onehot.ts';
import { proveOpening } from './arguments/opening.ts';
import { proveRelations } from './arguments/relations.ts';
import { countMultiplicities } from './multiplicities.ts';
import type { CellMap } from './train/engine.ts';

/** The secret side of a segment: natural cells of every oracle by name, and its token ids. */
export interface Witness {
  readonly cells: CellMap;
  /** Row-major [step, row, token]. */
  readonly inputs: Int32Array;
  readonly labels: Int32Array;
}

/** Told at the start of each phase. */
export type PhaseListener = (phase: string) => void;

export interface ProofResult {
  readonly bytes: Uint8Array;
  readonly writer: ProofWriter;
  /** Merkle roots of the committed oracles. */
  readonly roots: ReadonlyMap<OracleName, Uint8Array>;
}

/** Stacks of all oracles, the witness completed by its multiplicities. */
export function packOracles(instance: Instance, witness: Witness): Map<OracleName, Uint32Array> {
  const { circuit } = instance;
  const start = instance.startSeed === null ? [] : startCells(circuit.program, instance.startSeed);
  const cells = new Map([...witness.cells, ...countMultiplicities(circuit, witness.cells), ...start]);
  return new Map(presentOracles(circuit).map((o) => [o, packStack(circuit.stacks[o], cells)]));
}

export async function proveInstance(
  backend: Backend,
  instance: Instance,
  witness: Witness,
  phase: PhaseListener = () => {},
): Promise<ProofResult> {
  const { circuit, params } = instance;
  const writer = new ProofWriter();
  phase('pack');
  const stacks = packOracles(instance, witness);
  const oracles = uploadAll(backend, stacks);
  const tokens: TokenIds = new Map([
    [circuit.program.inputs.name, witness.inputs],
    [circuit.program.labels.name, witness.labels],
  ]);
  writer.bytes('statement', instance.header);
  phase('commit');
  const committed = new Map<OracleName, CommittedMatrix>();
  for (const oracle of committedOracles(instance)) {
    const { logHeight, logInvRate } = codeShape(oracle, circuit.stacks[oracle].length);
    const matrix = await backend.commitCells(oracles[oracle], logHeight, logInvRate);
    committed.set(oracle, matrix);
    writer.digest(`root.${oracle}`, matrix.root);
  }
  phase('lookup');
  writer.grind('lookup.grind', params.lookupGrinding);
  const lookup = await proveLookup(backend, writer, circuit, oracles, drawLookup(writer));
  phase('relations');
  const relations = await proveRelations(writer, { backend, circuit, oracles, tokens }, instance.rows, instance.losses);
  phase('one-hot');
  const bits = proveOneHot(writer, circuit, relations.onehot, tokens);
  phase('opening');
  const claims = [...lookup, ...relations.claims, ...bits];
  const isKnown = (o: OracleName): boolean => !committed.has(o);
  const evaluations = await proveOpening(backend, writer, circuit, oracles, claims, isKnown);
  phase('code');
  const openings = evaluations.map(({ oracle, point, value }): CodeOpening => {
    const shape = codeShape(oracle, circuit.stacks[oracle].length);
    return { oracle, shape, root: (committed.get(oracle) as CommittedMatrix).root, point, value };
  });
  await proveCode(backend, writer, params, openings, oracles, committed);
  backend.release(...committed.values());
  backend.free(...Object.values(oracles));
  return { bytes: writer.finish(), writer, roots: new Map([...committed].map(([o, m]) => [o, m.root])) };
}

function uploadAll(backend: Backend, stacks: ReadonlyMap<OracleName, Uint32Array>): OracleCells {
  const entries = ORACLES.map((o): [OracleName, Cells] => [
    o,
    backend.uploadCells(stacks.get(o) ?? new Uint32Array(0)),
  ]);
  return Object.fromEntries(entries) as Record<OracleName, Cells>;
}
