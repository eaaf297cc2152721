/** The prover of protocol/arguments/code.ts. */
import { pow as fpow, rootOfUnity } from '../../protocol/field.ts';
import { powers, type Ext } from '../../protocol/extension.ts';
import type { ProofWriter } from '../../protocol/channel.ts';
import { concat } from '../../protocol/bytes.ts';
import {
  distinct,
  evaluationConstraint,
  foldSteps,
  groupOpenings,
  type CodeGroup,
  type CodeOpening,
  type FoldStep,
} from '../../protocol/arguments/code.ts';
import { queryCount } from '../../protocol/queries.ts';
import type { ParameterSet } from '../../protocol/parameters.ts';
import type { OracleName } from '../../protocol/program/tensors.ts';
import type { Backend, CommittedExt, CommittedMatrix, ExtVec } from '../backend/backend.ts';
import type { OracleCells } from './lookup.ts';
import { addEq } from './weights.ts';

export type Committed = ReadonlyMap<OracleName, CommittedMatrix>;

/** Powers of ω at the positions. */
function pointsAt(omega: bigint, positions: readonly number[]): bigint[] {
  return positions.map((j) => fpow(omega, BigInt(j)));
}

async function openGroup(
  backend: Backend,
  writer: ProofWriter,
  committed: Committed,
  group: CodeGroup,
  positions: readonly number[],
): Promise<void> {
  for (const { opening } of group.members) {
    const matrix = committed.get(opening.oracle) as CommittedMatrix;
    const opened = await backend.openMatrix(matrix, positions);
    const rows = new BigUint64Array(positions.length * opening.shape.columns);
    opened.leaves.forEach((leaf, i) => rows.set(leaf, i * opening.shape.columns));
    writer.words(`code.rows.${opening.oracle}`, rows);
    writer.hint(`code.siblings.${opening.oracle}`, concat(...opened.siblings));
  }
}

interface State {
  stack: ExtVec;
  weights: ExtVec;
  committed: CommittedExt;
}

async function round(backend: Backend, writer: ProofWriter, state: { stack: ExtVec; weights: ExtVec }): Promise<void> {
  const [values] = await backend.productRound([[state.stack, state.weights]]);
  const [zero, , two] = values as [Ext, Ext, Ext];
  writer.elements('code.round', [zero, two]);
  const r = writer.challenge('code.round');
  const [stack, weights] = backend.fold([state.stack, state.weights], r) as [ExtVec, ExtVec];
  state.stack = stack;
  state.weights = weights;
}

async function foldStep(
  backend: Backend,
  writer: ProofWriter,
  params: ParameterSet,
  step: FoldStep,
  state: State,
): Promise<void> {
  const folds = Math.min(params.logFold, step.logLength);
  for (let i = 0; i < folds; i++) await round(backend, writer, state);
  const length = step.logLength - folds;
  let next: CommittedExt | null = null;
  if (step.last) {
    const values = await backend.downloadExt(state.stack);
    writer.elements(
      'code.final',
      Array.from({ length: 2 ** length }, (_, i): Ext => values[i] ?? [0n, 0n]),
    );
  } else {
    next = await backend.commitExt(state.stack, length, step.logInvRate + params.logFold - 1, params.logFold);
    writer.digest('code.root', next.root);
  }
  writer.grind('code.grind', params.foldGrinding);
  const depth = step.logLength + step.logInvRate - folds;
  const positions = distinct(writer.indices('code.query', step.queries, depth));
  const opened = await backend.openExt(state.committed, positions);
  const words = new BigUint64Array(positions.length * 2 ** (folds + 1));
  opened.leaves.forEach((leaf, i) => words.set(leaf, i * 2 ** (folds + 1)));
  writer.words('code.leaves', words);
  writer.hint('code.siblings', concat(...opened.siblings));
  backend.release(state.committed);
  if (next === null) return;
  state.committed = next;
  const coefs = powers(writer.challenge('code.batch'), positions.length + 1).slice(1);
  const omega = fpow(rootOfUnity(step.logLength + step.logInvRate), BigInt(2 ** folds));
  backend.addPowers(state.weights, 0, 2 ** length, pointsAt(omega, positions), coefs);
}

export async function proveCode(
  backend: Backend,
  writer: ProofWriter,
  params: ParameterSet,
  openings: readonly CodeOpening[],
  oracles: OracleCells,
  committed: Committed,
): Promise<void> {
  const { groups, logLength } = groupOpenings(openings, writer.challenge('code.combine'));
  const stack = backend.zeros(2 ** logLength);
  for (const group of groups) {
    for (const { opening, kappa, columnWeights } of group.members) {
      const combined = backend.combineColumns(oracles[opening.oracle], group.logHeight, columnWeights);
      backend.addScaled(stack, group.base, combined, kappa);
      backend.free(combined);
    }
  }
  const first = await backend.commitExt(stack, logLength, params.stackLogInvRate, Math.min(params.logFold, logLength));
  writer.digest('code.stack', first.root);
  writer.grind('code.query.grind', params.queryGrinding);
  const queried: { group: CodeGroup; positions: number[] }[] = [];
  for (const group of groups) {
    const count = queryCount(group.logInvRate, params.security - params.queryGrinding);
    const positions = distinct(writer.indices('code.query', count, group.logHeight + group.logInvRate));
    await openGroup(backend, writer, committed, group, positions);
    queried.push({ group, positions });
  }
  const total = queried.reduce((n, q) => n + q.positions.length + 1, 0);
  const coefs = powers(writer.challenge('code.batch'), total);
  const weights = backend.zeros(2 ** logLength);
  let at = 0;
  for (const { group, positions } of queried) {
    const { constraint } = evaluationConstraint(group, coefs[at++]);
    if (constraint.kind === 'eq') addEq(backend, weights, constraint.base, constraint.point, constraint.coef);
    const omega = rootOfUnity(group.logHeight + group.logInvRate);
    const own = coefs.slice(at, at + positions.length);
    at += positions.length;
    backend.addPowers(weights, group.base, 2 ** group.logHeight, pointsAt(omega, positions), own);
  }
  const state: State = { stack, weights, committed: first };
  const steps = foldSteps(params, logLength);
  for (const step of steps) await foldStep(backend, writer, params, step, state);
  const last = steps[steps.length - 1];
  const rest = Math.max(0, last.logLength - params.logFold);
  for (let i = 0; i < rest; i++) await round(backend, writer, state);
  backend.free(state.stack, state.weights);
}
