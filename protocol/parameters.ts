/**
 * Parameter sets: everything about the proof system that is not the program. A set's name stands in every statement.
 */
import type { OracleName } from './program/tensors.ts';
import { log2Ceil } from './program/tensors.ts';

/** Version of the protocol: statement, transcript and proof format. */
export const PROTOCOL = 'zklora/1';

export interface ParameterSet {
  readonly name: string;
  /** Target of every soundness term, bits, counting proof of work. */
  readonly security: number;
  /** Proof of work before the lookup challenges, before the oracle queries, before each later query phase. */
  readonly lookupGrinding: number;
  readonly queryGrinding: number;
  readonly foldGrinding: number;
  /** log₂ of 1/rate of the stacked column combinations; folds of 2^logFold a query phase. */
  readonly stackLogInvRate: number;
  readonly logFold: number;
  /** Coefficients at which the last polynomial is sent in the clear, log₂. */
  readonly finalBits: number;
}

const STANDARD: ParameterSet = {
  name: 'standard-100',
  security: 100,
  lookupGrinding: 8,
  queryGrinding: 20,
  foldGrinding: 16,
  stackLogInvRate: 2,
  logFold: 4,
  finalBits: 6,
};

/** No proof of work: every term is statistical. */
const STRICT: ParameterSet = { ...STANDARD, name: 'strict-100', lookupGrinding: 0, queryGrinding: 0, foldGrinding: 0 };

export const PARAMETER_SETS: ReadonlyMap<string, ParameterSet> = new Map([STANDARD, STRICT].map((p) => [p.name, p]));

/** How an oracle is encoded: 2^logHeight coefficients a column, rate 2^−logInvRate. */
export interface CodeShape {
  readonly logHeight: number;
  readonly columns: number;
  readonly logInvRate: number;
}

/** Small oracles (adapter, moments, data) are encoded at rate 1/16: fewer queries. */
const LOG_INV_RATE: Readonly<Record<OracleName, number>> = {
  base: 1,
  data: 4,
  adapterIn: 4,
  adapterOut: 4,
  momentsIn: 4,
  momentsOut: 4,
  witness: 1,
};

/** Taller columns would cost soundness: the error of a fold grows with the domain. Larger oracles get more columns. */
const MAX_LOG_HEIGHT = 23;

/** Shape of the code of an oracle of `length` cells. A row costs 8·columns bytes a query, a column a path and fold steps. */
export function codeShape(oracle: OracleName, length: number): CodeShape {
  const logInvRate = LOG_INV_RATE[oracle];
  const bits = log2Ceil(length);
  // About 2^7 columns for the witness, 2^4 to 2^5 for the others: rows of the size of their Merkle path.
  const columnBits = oracle === 'witness' ? 7 : 5;
  const logHeight = Math.min(MAX_LOG_HEIGHT, Math.max(2, bits - columnBits));
  return { logHeight, columns: Math.max(1, Math.ceil(length / 2 ** logHeight)), logInvRate };
}
