/**
 * What verifying a proof costs, from its statement alone and before any of it is paid: a statement of a kilobyte can ask for
 * hours and gigabytes. The counts are upper bounds for whatever proof follows (`cost/` goes through the verifier function by
 * function); the milliseconds are theirs at the rates of one machine.
 */
import { codeCost } from './cost/code.ts';
import { lookupCost, oneHotCost, openingCost, rootsCost } from './cost/arguments.ts';
import { FunctionalCost } from './cost/functionals.ts';
import { publicsCost, rowsCost, statementCost } from './cost/preparation.ts';
import { RelationCost } from './cost/relations.ts';
import { startCost } from './cost/start.ts';
import { Tally, noWork, type Work, type WorkUnit } from './cost/tally.ts';
import { oneHotShape, planShape } from './arguments/plan-shape.ts';
import { proofShape, sizeOfShape, type ProofShape } from './size.ts';
import type { Statement } from './statement.ts';

/** The verifier's stages in order. */
export const STAGES = [
  ...['statement', 'tables', 'rows'],
  ...['lookup', 'relations', 'onehot', 'opening', 'start', 'code', 'digest'],
] as const;
export type Stage = (typeof STAGES)[number];

/**
 * Microseconds of one unit on one core of an AMD EPYC with Node 24; `node bench/verify-cost.ts` shows what they predict beside
 * what it measures.
 */
export const RATES: Readonly<Record<WorkUnit, number>> = {
  products: 0.6,
  powers: 10,
  compressions: 0.6,
  messages: 2.5,
  words: 0.4,
  integers: 0.012,
  draws: 0.06,
  cells: 0.025,
  constants: 2,
  tableRows: 0.01,
  terms: 12,
};

export interface VerificationCost {
  /** Counts of primitives, all stages together: products in F_p², compressions of SHA-256, … */
  readonly work: Readonly<Work>;
  readonly stages: readonly { readonly stage: Stage; readonly work: Readonly<Work>; readonly milliseconds: number }[];
  /** At RATES. */
  readonly milliseconds: number;
  /** Bytes held at a time, beyond those of the runtime and of its caches; the proof's own included. */
  readonly memoryBound: number;
}

export function millisecondsOf(work: Readonly<Work>): number {
  return Object.entries(RATES).reduce((ms, [unit, rate]) => ms + (work[unit as WorkUnit] * rate) / 1000, 0);
}

function addWork(into: Work, work: Readonly<Work>): void {
  for (const unit of Object.keys(into) as WorkUnit[]) into[unit] += work[unit];
}

/** The cost of verifying a proof of this shape. @param statement null where the shape stands for itself: no preparation */
export function costOfShape(shape: ProofShape, statement: Statement | null): VerificationCost {
  const { circuit, params, committed, losses } = shape;
  const tallies = new Map(STAGES.map((stage) => [stage, new Tally()]));
  const of = (stage: Stage): Tally => tallies.get(stage) as Tally;
  if (statement !== null) {
    statementCost(statement, shape.headerBytes, circuit, of('statement'));
    rowsCost(statement, shape.headerBytes, of('rows'));
    startCost(statement, circuit, of('start'));
  }
  publicsCost(circuit, of('tables'));
  const functionals = new FunctionalCost(circuit, of('relations'), of('opening'));
  rootsCost(shape, of('lookup'));
  lookupCost(circuit, of('lookup'), functionals);
  const plan = planShape(circuit, losses);
  const { batch, steps, dataRows } = circuit.program.config;
  const sampled = batch * steps;
  const rows = { sampled, distinct: Math.min(sampled, dataRows) };
  new RelationCost(circuit, of('relations'), functionals).run(plan, losses, rows);
  const onehot = oneHotShape(plan);
  functionals.madeIn(of('onehot'));
  if (onehot !== null) oneHotCost(onehot, of('onehot'), functionals);
  openingCost(circuit, committed, plan.claimed.size + 5, of('opening'));
  codeCost(circuit, committed, params, of('code'));
  const bytes = sizeOfShape(shape).max;
  // The proof's digest, the statement's, the run's id.
  of('digest').hash(bytes);
  for (let i = 0; i < 2; i++) of('digest').hash(shape.headerBytes + 64);
  const work = noWork();
  let [held, passing] = [0, 0];
  const stages = [...tallies].map(([stage, tally]) => {
    addWork(work, tally.work);
    held += tally.held;
    passing = Math.max(passing, tally.passing);
    return { stage, work: tally.work, milliseconds: millisecondsOf(tally.work) };
  });
  // The proof, its pieces and the log of its messages; a few megabytes of program and circuit.
  const memoryBound = BASE_BYTES + held + passing + 2 * bytes + 256 * work.messages;
  return { work, stages, milliseconds: millisecondsOf(work), memoryBound };
}

/** Program, circuit and plan of the largest adapters, which grow with no dimension of the model. */
const BASE_BYTES = 16 * 2 ** 20;

/**
 * The cost of verifying a proof of this statement, at little cost for any statement.
 * @throws VerificationError for a statement that no verifier of this version accepts
 */
export function verificationCost(statement: Statement): VerificationCost {
  return costOfShape(proofShape(statement), statement);
}
