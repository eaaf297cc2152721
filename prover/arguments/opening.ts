/** The prover of protocol/arguments/opening.ts. */
import { HALF, ZERO, add, mul, pow, type Ext } from '../../protocol/extension.ts';
import type { ProofWriter } from '../../protocol/channel.ts';
import {
  ROUND_LABEL,
  VALUE_LABEL,
  batchClaims,
  presentOracles,
  type OracleEvaluation,
} from '../../protocol/arguments/opening.ts';
import { roundMessage } from '../../protocol/arguments/sumcheck.ts';
import type { Circuit } from '../../protocol/program/circuit.ts';
import type { OracleName } from '../../protocol/program/tensors.ts';
import type { Claim } from '../../protocol/program/weights.ts';
import type { Backend, ExtVec } from '../backend/backend.ts';
import type { OracleCells } from './lookup.ts';
import { addFunctionals } from './weights.ts';

interface State {
  readonly oracle: OracleName;
  readonly bits: number;
  cells: ExtVec;
  weights: ExtVec;
  /** Cell and weight once all variables are bound. */
  last: readonly [Ext, Ext] | null;
}

async function settle(backend: Backend, state: State): Promise<void> {
  const [cell, weight] = await Promise.all([backend.downloadExt(state.cells), backend.downloadExt(state.weights)]);
  backend.free(state.cells, state.weights);
  state.last = [cell[0] ?? ZERO, weight[0] ?? ZERO];
}

export async function proveOpening(
  backend: Backend,
  writer: ProofWriter,
  circuit: Circuit,
  oracles: OracleCells,
  claims: readonly Claim<Ext>[],
  isPublic: (oracle: OracleName) => boolean,
): Promise<OracleEvaluation<Ext>[]> {
  const { byOracle } = batchClaims(claims, writer.challenge('opening.batch'));
  const states = presentOracles(circuit).map((oracle): State => {
    const { length, bits } = circuit.stacks[oracle];
    const weights = backend.zeros(length);
    addFunctionals(backend, weights, byOracle.get(oracle) ?? []);
    return { oracle, bits, cells: backend.cellsToExt(oracles[oracle], 0, length), weights, last: null };
  });
  const rounds = Math.max(...states.map((s) => s.bits));
  const r: Ext[] = [];
  for (const s of states) if (s.bits === 0) await settle(backend, s);
  for (let round = 0; round < rounds; round++) {
    const active = states.filter((s) => s.last === null);
    const sums = await backend.productRound(active.map((s) => [s.cells, s.weights]));
    const values = [0, 1, 2].map((x) => sums.reduce((t, s) => add(t, s[x]), ZERO));
    for (const s of states) {
      if (s.last === null) continue;
      const share = mul(mul(s.last[0], s.last[1]), pow(HALF, round + 1 - s.bits));
      values.forEach((v, x) => (values[x] = add(v, share)));
    }
    writer.elements(ROUND_LABEL, roundMessage(values));
    const challenge = writer.challenge(ROUND_LABEL);
    r.push(challenge);
    const folded = backend.fold(
      active.flatMap((s) => [s.cells, s.weights]),
      challenge,
    );
    for (const [i, s] of active.entries()) {
      s.cells = folded[2 * i];
      s.weights = folded[2 * i + 1];
      if (s.bits === round + 1) await settle(backend, s);
    }
  }
  const out: OracleEvaluation<Ext>[] = [];
  for (const s of states) {
    const value = s.last?.[0] ?? ZERO;
    if (isPublic(s.oracle)) continue;
    writer.element(VALUE_LABEL, value);
    out.push({ oracle: s.oracle, point: r.slice(0, s.bits), value });
  }
  return out;
}
